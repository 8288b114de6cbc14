/**
 * A client of Fireside for JavaScript programs.
 *
 * It keeps a connection, comes back when that is lost, and knows at any time what its user would see anywhere else:
 * `state` has the conversations, the messages that were read, the receipts, what is unread. What is given to `post` is
 * sent until the server has it, once. With a store all of it outlives the program.
 *
 * Inside, `State` and `LocalConversation` are the rules by which a client misses nothing, without I/O (docs/sync.md).
 */

export { Client, KEPT, type ClientOptions } from "./client.js";
export { SocketIoConnection, type Connect, type Connection, type Hear } from "./connection.js";
export { Lost, Refused } from "./errors.js";
export { IndexedDbStore } from "./indexeddb.js";
export type { Status, Token } from "./line.js";
export { LocalConversation, type KeptConversation } from "./local.js";
export { MAX_CONTENT_BYTES, type KeptOutgoing, type Outgoing, type Where } from "./outbox.js";
export type { Sleep } from "./pauses.js";
export type { Handler } from "./reading.js";
export { login, register } from "./rest.js";
export { State, type Kept, type KeptPlace, type KeptState, type StateChanges } from "./state.js";
export { MemoryStore, type Store } from "./store.js";
export type { Window } from "./windows.js";
export type * from "./wire.js";
