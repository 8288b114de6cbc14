/** What the client library calls things, by the short names the app uses. */

export type { ConversationForm as About, MessageForm as Message, LocalConversation, Outgoing } from "@fireside/client";
