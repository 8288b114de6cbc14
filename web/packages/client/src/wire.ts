/**
 * The forms of the wire, made from the server's models: `npm run wire` says how. Not to be edited.
 *
 * digest: 174d00b2bf36808e2041bcefd7a9048ae3ecca7f0cbef31b9cc6eb2341c174a6
 */

/**
 * Which refusal it is, for programs.
 */
export type Code =
  | "conflict"
  | "forbidden"
  | "internal"
  | "invalid_input"
  | "not_found"
  | "rate_limited"
  | "token_expired"
  | "unauthorized"
  | "unavailable"
  | "unknown_event";

/**
 * Who comes to a group.
 */
export interface AddMembers {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The `_id`s of users.
   *
   * Items: The `_id` of a user.
   */
  members: string[];
}
/**
 * How far everybody has got.
 */
export interface AllReceipts {
  /**
   * It was done.
   */
  ok: true;
  /**
   * Of each member who has got anywhere.
   */
  receipts: ReceiptForm[];
}
/**
 * How far a member has got. A mark only moves forward.
 */
export interface ReceiptForm {
  /**
   * The `_id` of a user.
   */
  user: string;
  /**
   * One of their devices has everything up to this seq.
   */
  delivered?: number;
  /**
   * They have read up to this seq, and show it; your own is always here.
   */
  read?: number;
}
/**
 * What has changed since the cursor.
 */
export interface Caught {
  /**
   * It was done.
   */
  ok: true;
  /**
   * Those that have changed.
   */
  conversations: ItemForm[];
  /**
   * Your own flags, stars and hidden messages that have changed.
   */
  own: OwnEntry[];
  /**
   * The usernames of those who are named in this, by `_id`.
   */
  people: {
    [k: string]: string;
  };
  /**
   * Your own setting: whether you are told how far others have read.
   */
  readReceipts: boolean;
  /**
   * Where to go on, now or in a year.
   */
  cursor: string;
  /**
   * There is more: ask again now.
   */
  more: boolean;
}
/**
 * One of your conversations, and what you may not have of it.
 */
export interface ItemForm {
  conversation: ConversationForm;
  /**
   * Its last message.
   */
  seq: number;
  /**
   * Its last change.
   */
  rev: number;
  /**
   * How many messages you have not read: not yours, not deleted, not a system message.
   */
  unread: number;
  /**
   * When its last message was sent.
   */
  activeAt: string;
  flags: Flags;
  /**
   * How far everybody has got, you included; in large groups you alone.
   */
  receipts: ReceiptForm[];
  /**
   * Its newest messages, oldest first. Read the ones between by `after`.
   */
  messages: MessageForm[];
  /**
   * The messages that have changed above `changedFrom`, up to date.
   */
  changed: MessageForm[];
  /**
   * If you have less than this rev, read the changes between by `getChanges`.
   */
  changedFrom: number;
}
/**
 * A conversation, as one of its people sees it.
 */
export interface ConversationForm {
  /**
   * The `_id` of a conversation.
   */
  _id: string;
  /**
   * `direct`: of two people, or notes to self; or `group`.
   */
  kind: "direct" | "group";
  /**
   * UTC, with milliseconds.
   */
  createdAt: string;
  /**
   * Who is in it, in the order they came; of a group the first 10. Nobody once you have left.
   */
  members: MemberForm[];
  /**
   * How many are in it.
   */
  memberCount: number;
  /**
   * What a group is called.
   */
  title?: string | null;
  /**
   * What a group says of itself.
   */
  description?: string | null;
  /**
   * A reference to a group's picture.
   */
  picture?: string | null;
  /**
   * Whether newcomers see what was said in a group before they came.
   */
  openHistory?: boolean;
  /**
   * What you are in it; absent once you have left.
   */
  role?: ("admin" | "member" | "owner") | null;
  /**
   * You see the messages above this seq.
   */
  since?: number;
  /**
   * You have left it, and see the messages up to this seq.
   */
  until?: number | null;
}
/**
 * Somebody who is in a conversation.
 */
export interface MemberForm {
  /**
   * The `_id` of a user.
   */
  user: string;
  /**
   * What they are called.
   */
  username: string;
  /**
   * `owner`, `admin` or `member`; in a direct conversation everybody is a `member`.
   */
  role?: "admin" | "member" | "owner";
}
/**
 * What you say of a conversation. Nobody else sees it.
 */
export interface Flags {
  /**
   * It stands above the others.
   */
  pinned?: boolean;
  /**
   * It is put away.
   */
  archived?: boolean;
  /**
   * Nothing is to sound until then.
   */
  mutedUntil?: string | null;
  /**
   * It is to be looked at again, whatever the receipts say.
   */
  unread?: boolean;
}
/**
 * A message, as of its last change.
 */
export interface MessageForm {
  /**
   * The conversation and the seq, so it sorts as the log does.
   */
  _id: string;
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * The `_id` of the user who sent it.
   */
  sender: string;
  /**
   * Plain text, as it was sent; empty if deleted, or a system message.
   */
  content: string;
  /**
   * UTC, with milliseconds.
   */
  timestamp: string;
  /**
   * The sender's own name for the message: sending again with it is safe, for ever.
   */
  clientId: string;
  /**
   * The other person of a direct conversation; oneself in notes to self; absent in a group.
   */
  recipient?: string | null;
  /**
   * The seq of the message that this one answers.
   */
  replyTo?: number | null;
  /**
   * Whether it was said elsewhere first.
   */
  forwarded?: boolean;
  /**
   * The `_id`s of the users who are named in it with an `@`.
   *
   * Items: The `_id` of a user.
   */
  mentions?: string[];
  /**
   * What happened to the group; such a message counts for nobody.
   */
  system?: (GroupCreated | GroupUpdated | MembersAdded | MemberRemoved | MemberLeft | RoleChanged) | null;
  /**
   * The number of the last change that is in this; 0 if there was none.
   */
  rev?: number;
  /**
   * When it was edited last.
   */
  editedAt?: string | null;
  /**
   * When it was deleted for everyone.
   */
  deletedAt?: string | null;
  /**
   * Who deleted it.
   */
  deletedBy?: string | null;
  /**
   * One emoji a user, by their `_id`: `{"673f1c2ab5d94e8f0a1b2c3d": "👍"}`.
   */
  reactions?: {
    [k: string]: string;
  };
  /**
   * Who pinned it in the conversation, and when.
   */
  pinned?: Pinned | null;
  /**
   * You have deleted it for yourself: what it said is left out.
   */
  hidden?: boolean;
}
/**
 * Somebody made the group, with these people in it; they own it.
 */
export interface GroupCreated {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "groupCreated";
  /**
   * What it is called.
   */
  title: string;
  /**
   * The `_id`s of those who came.
   *
   * Items: The `_id` of a user.
   */
  members?: string[];
  /**
   * What it says of itself.
   */
  description?: string;
  /**
   * A reference to its picture.
   */
  picture?: string;
  /**
   * Whether newcomers see what was said before they came.
   */
  openHistory?: boolean;
}
/**
 * The group says something else of itself. What is absent stays.
 */
export interface GroupUpdated {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "groupUpdated";
  /**
   * What it is called now.
   */
  title?: string | null;
  /**
   * What it says of itself now.
   */
  description?: string | null;
  /**
   * A reference to its picture now.
   */
  picture?: string | null;
  /**
   * Whether newcomers see what was said before they came.
   */
  openHistory?: boolean | null;
}
/**
 * These came.
 */
export interface MembersAdded {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "membersAdded";
  /**
   * The `_id`s of those who came.
   *
   * Items: The `_id` of a user.
   */
  members: string[];
}
/**
 * An admin put this one out. `rev`: the last change they see.
 */
export interface MemberRemoved {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "memberRemoved";
  /**
   * The `_id` of a user.
   */
  member: string;
  /**
   * The last change that they see.
   */
  rev?: number;
}
/**
 * The sender of the message left. `rev`: the last change they see.
 */
export interface MemberLeft {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "memberLeft";
  /**
   * The last change that they see.
   */
  rev?: number;
}
/**
 * This one has another role. Who gives `owner` away becomes an admin.
 */
export interface RoleChanged {
  /**
   * Always this: it says which of several forms this is.
   */
  type: "roleChanged";
  /**
   * The `_id` of a user.
   */
  member: string;
  /**
   * What they are now.
   */
  role: "admin" | "member" | "owner";
}
/**
 * That a message is pinned in its conversation.
 */
export interface Pinned {
  /**
   * Who pinned it.
   */
  by: string;
  /**
   * UTC, with milliseconds.
   */
  at: string;
}
/**
 * A line of your own log: all there is to say of its place, and the last word on it.
 */
export interface OwnEntry {
  /**
   * The number of the line: 1, 2, 3 … without a gap.
   */
  n: number;
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * Of the message; 0 where it is about the conversation.
   */
  seq?: number;
  /**
   * What is so of the conversation.
   */
  flags?: Flags | null;
  /**
   * The message is starred.
   */
  starred?: boolean;
  /**
   * The message is deleted for you.
   */
  hidden?: boolean;
}
/**
 * A message has changed.
 */
export interface ChangedMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of the last change that is in this; 0 if there was none.
   */
  rev: number;
  /**
   * The message as it is now; absent where it was sent before you came.
   */
  message?: MessageForm | null;
}
/**
 * What has changed: each message once, up to date.
 */
export interface Changes {
  /**
   * It was done.
   */
  ok: true;
  /**
   * By seq.
   */
  messages: MessageForm[];
  /**
   * You know everything up to this now.
   */
  rev: number;
  /**
   * There is more: ask again, after this rev.
   */
  more: boolean;
}
/**
 * What it can be asked, and what it answers.
 */
export interface Commands {
  addMembers: {
    answer: Happened;
    form: AddMembers;
  };
  closeConversation: {
    answer: Reply;
    form: LookAt;
  };
  createGroup: {
    answer: Talk;
    form: CreateGroup;
  };
  deleteMessage: {
    answer: Done;
    form: OneMessage;
  };
  editMessage: {
    answer: Done;
    form: EditMessage;
  };
  forwardMessage: {
    answer: Sent;
    form: ForwardMessage;
  };
  getChanges: {
    answer: Changes;
    form: GetChanges;
  };
  getConversation: {
    answer: OneItem;
    form: OneConversation;
  };
  getConversations: {
    answer: Listed;
    form: GetConversations;
  };
  getEdits: {
    answer: Versions;
    form: OneMessage;
  };
  getMembers: {
    answer: MemberPage;
    form: GetMembers;
  };
  getMessage: {
    answer: Found;
    form: OneMessage;
  };
  getMessages: {
    answer: Page;
    form: GetMessages;
  };
  getOwn: {
    answer: OwnPage;
    form: GetOwn;
  };
  getPresence: {
    answer: Presences;
    form: LookAt;
  };
  getReceipts: {
    answer: AllReceipts;
    form: OneConversation;
  };
  getSeenBy: {
    answer: SeenBy;
    form: OneMessage;
  };
  getStarred: {
    answer: OwnPage;
    form: GetStarred;
  };
  join: {
    answer: Reply;
    form: Join;
  };
  leaveGroup: {
    answer: Happened;
    form: OneConversation;
  };
  markDelivered: {
    answer: Reply;
    form: MarkSeq;
  };
  markMessage: {
    answer: Noted;
    form: MarkMessage;
  };
  markRead: {
    answer: Reply;
    form: MarkSeq;
  };
  openConversation: {
    answer: Presences;
    form: LookAt;
  };
  pinMessage: {
    answer: Done;
    form: PinMessage;
  };
  reactToMessage: {
    answer: Done;
    form: ReactToMessage;
  };
  removeMember: {
    answer: Happened;
    form: RemoveMember;
  };
  sendMessage: {
    answer: Sent;
    form: SendMessage;
  };
  setFlags: {
    answer: Noted;
    form: SetFlags;
  };
  setRole: {
    answer: Happened;
    form: SetRole;
  };
  setTyping: {
    answer: Reply;
    form: SetTyping;
  };
  sync: {
    answer: Caught;
    form: Sync;
  };
  updateGroup: {
    answer: Happened;
    form: UpdateGroup;
  };
  updateMe: {
    answer: Updated;
    form: UpdateMe;
  };
}
/**
 * It has happened, and everybody in the group hears of it.
 */
export interface Happened {
  /**
   * It was done.
   */
  ok: true;
  message: MessageForm;
}
/**
 * It is done.
 */
export interface Reply {
  /**
   * It was done.
   */
  ok: true;
}
/**
 * Which conversation.
 */
export interface LookAt {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
}
/**
 * A conversation.
 */
export interface Talk {
  /**
   * It was done.
   */
  ok: true;
  conversation: ConversationForm;
}
/**
 * A new group.
 */
export interface CreateGroup {
  /**
   * What it is called: up to 256 bytes.
   */
  title: string;
  /**
   * Who is in it besides you: the `_id`s of users.
   *
   * Items: The `_id` of a user.
   */
  members?: string[];
  /**
   * What it says of itself: up to 4 KiB.
   */
  description?: string;
  /**
   * A reference to its picture: up to 1 KiB.
   */
  picture?: string;
  /**
   * Whether newcomers see what was said before they came.
   */
  openHistory?: boolean;
  /**
   * Your own name for it: making it again with it is safe.
   */
  clientId?: string | null;
}
/**
 * It is so now. Where it was so already, `rev` is that of the message's last change.
 */
export interface Done {
  /**
   * It was done.
   */
  ok: true;
  /**
   * The number of the last change that is in this; 0 if there was none.
   */
  rev: number;
  message: MessageForm;
}
/**
 * Which message.
 */
export interface OneMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
}
/**
 * What a message is to say instead.
 */
export interface EditMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * Up to 16 KiB of text.
   */
  content: string;
}
/**
 * The message is stored, durably. With a repeated `clientId` it is the first one.
 */
export interface Sent {
  /**
   * It was done.
   */
  ok: true;
  message: MessageForm;
}
/**
 * Which message, and where to: one of `recipient` and `to`.
 */
export interface ForwardMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * The `_id` of a user: to the conversation you have with them.
   */
  recipient?: string | null;
  /**
   * The `_id` of a conversation that you are in.
   */
  to?: string | null;
  /**
   * Your own name for the new message.
   */
  clientId?: string | null;
}
/**
 * From where to catch up.
 */
export interface GetChanges {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The rev up to which you know everything.
   */
  after?: number;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * One of your conversations.
 */
export interface OneItem {
  /**
   * It was done.
   */
  ok: true;
  item: ItemForm;
  /**
   * The usernames of those who are named in this, by `_id`.
   */
  people: {
    [k: string]: string;
  };
}
/**
 * Which conversation.
 */
export interface OneConversation {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
}
/**
 * A page of your conversations, the last active one first.
 */
export interface Listed {
  /**
   * It was done.
   */
  ok: true;
  /**
   * Each with its last message.
   */
  conversations: ItemForm[];
  /**
   * The usernames of those who are named in this, by `_id`.
   */
  people: {
    [k: string]: string;
  };
  /**
   * The `before` of the next page; null on the last.
   */
  next: string | null;
}
/**
 * Which page of the list.
 */
export interface GetConversations {
  /**
   * The `next` of the page before; empty for the first.
   */
  before?: string;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * What a message has said.
 */
export interface Versions {
  /**
   * It was done.
   */
  ok: true;
  /**
   * Oldest first; none of a message that is deleted.
   */
  versions: VersionForm[];
}
/**
 * What a message said from a time on.
 */
export interface VersionForm {
  /**
   * What it said.
   */
  content: string;
  /**
   * UTC, with milliseconds.
   */
  timestamp: string;
}
/**
 * A page of members.
 */
export interface MemberPage {
  /**
   * It was done.
   */
  ok: true;
  /**
   * In the order they came.
   */
  members: MemberForm[];
  /**
   * The `after` of the next page; null on the last.
   */
  next: string | null;
}
/**
 * Which of the members.
 */
export interface GetMembers {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The `next` of the page before; empty for the first.
   */
  after?: string;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * The message, as it is now.
 */
export interface Found {
  /**
   * It was done.
   */
  ok: true;
  message: MessageForm;
}
/**
 * Oldest first. Fewer than `limit`: there are no more that way.
 */
export interface Page {
  /**
   * It was done.
   */
  ok: true;
  /**
   * The messages, oldest first.
   */
  messages: MessageForm[];
}
/**
 * Which page of a conversation.
 */
export interface GetMessages {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * Those next below this seq.
   */
  before?: number | null;
  /**
   * Those next above this seq.
   */
  after?: number | null;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * A page of your own log.
 */
export interface OwnPage {
  /**
   * It was done.
   */
  ok: true;
  /**
   * Oldest first.
   */
  entries: OwnEntry[];
  /**
   * There is more: ask again, after the last of these.
   */
  more: boolean;
}
/**
 * From where to catch up on your own log.
 */
export interface GetOwn {
  /**
   * The number up to which you know everything.
   */
  after?: number;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * Who is there.
 */
export interface Presences {
  /**
   * It was done.
   */
  ok: true;
  /**
   * The first 256 members.
   */
  people: Present[];
}
/**
 * Whether somebody is there.
 */
export interface Present {
  /**
   * The `_id` of a user.
   */
  user: string;
  /**
   * They have a device connected.
   */
  online: boolean;
  /**
   * When they were last there; absent if never.
   */
  lastSeen?: string | null;
}
/**
 * Who has a message, and who has read it; its sender left out.
 */
export interface SeenBy {
  /**
   * It was done.
   */
  ok: true;
  /**
   * The members of whom a device has it.
   *
   * Items: The `_id` of a user.
   */
  deliveredTo: string[];
  /**
   * The members who have read it and show that.
   *
   * Items: The `_id` of a user.
   */
  seenBy: string[];
}
/**
 * Which page of your stars.
 */
export interface GetStarred {
  /**
   * The `n` of the last one of the page before.
   */
  before?: number | null;
  /**
   * How many at most: 1 to 100.
   */
  limit?: number;
}
/**
 * Whose messages to hear.
 */
export interface Join {
  /**
   * The `_id` of a user.
   */
  userId: string;
}
/**
 * How far you have got in a conversation.
 */
export interface MarkSeq {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
}
/**
 * It is so now, on all of your devices.
 */
export interface Noted {
  /**
   * It was done.
   */
  ok: true;
  entry: OwnEntry;
}
/**
 * What you say of a message. What is absent stays.
 */
export interface MarkMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * It is to be found again.
   */
  starred?: boolean;
  /**
   * It is deleted for you alone.
   */
  hidden?: boolean;
}
/**
 * Whether a message is pinned in its conversation.
 */
export interface PinMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * False takes the pin away.
   */
  pinned?: boolean;
}
/**
 * Your reaction to a message.
 */
export interface ReactToMessage {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The number of a message in its conversation: 1, 2, 3 … without a gap.
   */
  seq: number;
  /**
   * One emoji; null takes yours back.
   */
  emoji?: string | null;
}
/**
 * Who is put out of a group.
 */
export interface RemoveMember {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The `_id` of a user.
   */
  user: string;
}
/**
 * What to say, and where: one of `recipient` and `conversation`.
 */
export interface SendMessage {
  /**
   * Up to 16 KiB of text. It is stored as it comes and never interpreted.
   */
  content: string;
  /**
   * The `_id` of a user: to the conversation you have with them.
   */
  recipient?: string | null;
  /**
   * The `_id` of a conversation that you are in.
   */
  conversation?: string | null;
  /**
   * Your own `_id`, where given.
   */
  sender?: string | null;
  /**
   * Your own name for the message: sending again with it is safe, for ever.
   */
  clientId?: string | null;
  /**
   * The seq of a message there that this one answers.
   */
  replyTo?: number | null;
}
/**
 * Flags of a conversation. What is absent stays.
 */
export interface SetFlags {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * It stands above the others.
   */
  pinned?: boolean;
  /**
   * It is put away.
   */
  archived?: boolean;
  /**
   * Mute it until then; null ends that.
   */
  mutedUntil?: string | null;
  /**
   * It is to be looked at again.
   */
  unread?: boolean;
}
/**
 * Who has which role.
 */
export interface SetRole {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The `_id` of a user.
   */
  user: string;
  /**
   * `member`, `admin`, or `owner`: who gives that away becomes an admin.
   */
  role: "admin" | "member" | "owner";
}
/**
 * Whether you are typing.
 */
export interface SetTyping {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * Say so every few seconds while you type; false when you stop.
   */
  typing?: boolean;
}
/**
 * From where to catch up.
 */
export interface Sync {
  /**
   * What the last answer gave you; empty for everything.
   */
  cursor?: string;
  /**
   * What you have of up to 500 conversations, by `_id`, so that you get only the rest.
   */
  known?: {
    [k: string]: KnownForm;
  };
}
/**
 * How much of a conversation you have.
 */
export interface KnownForm {
  /**
   * You have every message up to this.
   */
  seq?: number;
  /**
   * You have every change up to this.
   */
  rev?: number;
}
/**
 * What a group says of itself. What is absent stays.
 */
export interface UpdateGroup {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * What it is called: up to 256 bytes.
   */
  title?: string | null;
  /**
   * What it says of itself: up to 4 KiB.
   */
  description?: string | null;
  /**
   * A reference to its picture: up to 1 KiB.
   */
  picture?: string | null;
  /**
   * Whether newcomers see what was said before they came.
   */
  openHistory?: boolean | null;
}
/**
 * It is so now.
 */
export interface Updated {
  /**
   * It was done.
   */
  ok: true;
  settings: MySettings;
}
/**
 * What is so for you.
 */
export interface MySettings {
  /**
   * Whether others see how far you have read, and you see it of others.
   */
  readReceipts: boolean;
}
/**
 * What is to be so for you.
 */
export interface UpdateMe {
  /**
   * Whether others see how far you have read, and you see it of others.
   */
  readReceipts: boolean;
}
/**
 * Why an event was refused.
 */
export interface EventRefused {
  /**
   * The first 64 characters of its name.
   */
  event: string;
  /**
   * What is wrong and what to do, for people.
   */
  error: string;
  /**
   * Which refusal it is, for programs.
   */
  code: string;
  /**
   * Finds the event in the server's log.
   */
  requestId: string;
  /**
   * More, by code.
   */
  details?: {} | null;
}
/**
 * What the server tells of its own accord.
 */
export interface Events {
  eventRefused: EventRefused;
  heads: HeadsForm;
  meUpdated: MySettings;
  messageDeleted: ChangedMessage;
  messageEdited: ChangedMessage;
  messagePinned: ChangedMessage;
  messageReacted: ChangedMessage;
  messageReceived: MessageForm;
  ownChanged: OwnEntry;
  presenceChanged: Present;
  receiptUpdated: ReceiptsMoved;
  serverStopping: ServerStopping;
  typing: Typing;
}
/**
 * How far your conversations have got. If you have less, read the rest.
 */
export interface HeadsForm {
  /**
   * Those in which something has moved.
   */
  heads: Head[];
  /**
   * The last line of your own log, if that has moved.
   */
  own?: number | null;
}
/**
 * How far a conversation has got, as you see it.
 */
export interface Head {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * Its last message.
   */
  seq: number;
  /**
   * Its last change.
   */
  rev: number;
  /**
   * The sum of all `delivered` and `read` that you are told of; absent in large groups.
   */
  receipts?: number | null;
}
/**
 * Marks that have moved.
 */
export interface ReceiptsMoved {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * Whose, and how far they are now. What is lower is known already.
   */
  receipts: ReceiptForm[];
}
/**
 * When to come back.
 */
export interface ServerStopping {
  /**
   * After how many milliseconds. Everybody is told another number.
   */
  retryAfterMs: number;
}
/**
 * Whether somebody is typing.
 */
export interface Typing {
  /**
   * The `_id` of a conversation.
   */
  conversation: string;
  /**
   * The `_id` of a user.
   */
  user: string;
  /**
   * False when they have stopped, or said nothing of it for some seconds.
   */
  typing: boolean;
}
/**
 * What a user may know of themselves.
 */
export interface Me {
  /**
   * Who they are, whatever they are called.
   */
  _id: string;
  /**
   * What they are called.
   */
  username: string;
  /**
   * Nobody else sees it.
   */
  email: string;
  /**
   * When they registered.
   */
  createdAt: string;
}
/**
 * A user, and what is set for them.
 */
export interface Myself {
  /**
   * Who they are, whatever they are called.
   */
  _id: string;
  /**
   * What they are called.
   */
  username: string;
  /**
   * Nobody else sees it.
   */
  email: string;
  /**
   * When they registered.
   */
  createdAt: string;
  /**
   * Whether others see how far you have read, and you see it of others.
   */
  readReceipts: boolean;
}
/**
 * A page of users, by name.
 */
export interface People {
  /**
   * In the order of their names.
   */
  users: Person[];
  /**
   * The `after` of the next page; absent on the last.
   */
  next?: string | null;
}
/**
 * What everyone may know of a user.
 */
export interface Person {
  /**
   * Who they are, whatever they are called.
   */
  _id: string;
  /**
   * What they are called.
   */
  username: string;
}
/**
 * Why nothing was done.
 */
export interface Refusal {
  /**
   * It was not done.
   */
  ok: false;
  /**
   * What is wrong and what to do, for people.
   */
  error: string;
  code: Code;
  /**
   * Finds the request in the server's log.
   */
  requestId: string;
  /**
   * More, by code: `field` is the first that is wrong, `fields` each with what is wrong, `retryAfterS` the seconds to wait.
   */
  details?: {
    [k: string]: unknown;
  };
}
/**
 * Somebody who is logged in, and the token to say so.
 */
export interface Welcome {
  user: Me;
  /**
   * Send it as `Authorization: Bearer`, and as `auth: {token}` when you connect.
   */
  token: string;
}
