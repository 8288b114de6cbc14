import type { Message } from "../../model/types";

/** What can be done with a message from where it is shown. The same object as long as the conversation is open. */
export interface Actions {
  reply: (message: Message) => void;
  react: (message: Message, emoji: string | null) => void;
  menu: (message: Message, at: Element) => void;
  pickReaction: (message: Message, at: Element) => void;
  goTo: (seq: number) => void;
}
