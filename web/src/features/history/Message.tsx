import { Forward, Pin, Reply, SmilePlus, Star, ChevronDown } from "lucide-react";
import { memo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { t } from "../../lib/i18n";
import { gist, isEmojiOnly, shown } from "../../lib/text/clean";
import { clock, fullTime } from "../../lib/time/dates";
import type { Message as MessageData } from "../../model/types";
import { Avatar, hueOf } from "../../ui/Avatar";
import { IconButton } from "../../ui/Button";
import { cx } from "../../ui/cx";
import { RichText } from "../../ui/RichText";
import { Tick, type TickState } from "../../ui/Tick";
import { useLongPress } from "../../ui/useLongPress";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import type { Actions } from "./actions";
import styles from "./Message.module.css";

/** What is longer than this is shown in part, until somebody wants more. */
const LONG = 1_500;
const LINES = 25;

interface MessageProps {
  message: MessageData;
  /** Stands away from what is above. */
  opens: boolean;
  /** The last of what one person said. */
  closes: boolean;
  me: string;
  sender: string;
  /** In a group each says who they are. */
  withFaces: boolean;
  tick: TickState | null;
  isStarred: boolean;
  isLit: boolean;
  names: ReadonlySet<string>;
  actions: Actions;
}

/** A message, with all there is to see of it and to do with it. */
export const Message = memo(function Message(props: MessageProps) {
  const { message, opens, closes, me, sender, withFaces, tick, isLit, actions } = props;
  const [isHere, setHere] = useState(false);
  const isMine = message.sender === me;
  const isGone = Boolean(message.deletedAt);
  const isBare = !isGone && message.replyTo == null && !message.forwarded && isEmojiOnly(message.content);
  const bubble = useRef<HTMLElement>(null);
  const openMenu = () => bubble.current && !isGone && actions.menu(message, bubble.current);
  const holding = useLongPress(openMenu);
  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || !["Enter", " ", "ContextMenu"].includes(event.key)) return;
    event.preventDefault();
    openMenu();
  };
  return (
    <div
      data-row
      className={cx(
        styles.row,
        isMine && styles.own,
        withFaces && styles.withFaces,
        opens && styles.opens,
        closes && styles.closes,
        isLit && styles.lit,
        isBare && styles.bare,
      )}
      onPointerEnter={() => setHere(true)}
      onPointerLeave={() => setHere(false)}
    >
      {withFaces && !isMine && closes && (
        <span className={styles.face}>
          <Avatar id={message.sender} name={sender} size="small" />
        </span>
      )}
      <div className={styles.stack}>
        <article
          ref={bubble}
          className={styles.bubble}
          tabIndex={-1}
          data-seq={message.seq}
          aria-label={t("message.from", {
            name: isMine ? t("chats.you") : sender,
            time: clock(message.timestamp),
            text: isGone ? goneText(message, me) : gist(message.content),
          })}
          onKeyDown={pressed}
          {...holding}
        >
          {withFaces && !isMine && opens && !isBare && (
            <bdi className={styles.name} data-hue={hueOf(message.sender)}>
              {sender}
            </bdi>
          )}
          {message.forwarded && !isGone && (
            <span className={styles.label}>
              <Forward size={13} aria-hidden /> {t("message.forwarded")}
            </span>
          )}
          {message.replyTo != null && !isGone && (
            <Quote conversation={message.conversation} seq={message.replyTo} onGo={actions.goTo} />
          )}
          <Text {...props} meta={<Meta message={message} tick={tick} isStarred={props.isStarred} />} />
        </article>
        {!isGone && <Reactions message={message} me={me} actions={actions} />}
        {isHere && !isGone && (
          <span className={styles.tools}>
            <IconButton
              label={t("message.react")}
              className={styles.tool}
              onClick={(event) => actions.pickReaction(message, event.currentTarget)}
            >
              <SmilePlus size={17} />
            </IconButton>
            <IconButton label={t("message.reply")} className={styles.tool} onClick={() => actions.reply(message)}>
              <Reply size={17} />
            </IconButton>
            <IconButton label={t("message.actions")} className={styles.tool} onClick={openMenu}>
              <ChevronDown size={17} />
            </IconButton>
          </span>
        )}
      </div>
    </div>
  );
});

function Text({ message, me, names, meta }: MessageProps & { meta: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  if (message.deletedAt) {
    return (
      <div className={cx(styles.text, styles.gone)}>
        {goneText(message, me)}
        {meta}
      </div>
    );
  }
  const content = shown(message.content);
  const isLong = content.length > LONG || content.split("\n", LINES + 1).length > LINES;
  if (!isLong || isOpen) {
    return (
      <div dir="auto" className={cx(styles.text, isEmojiOnly(message.content) && styles.large)}>
        <RichText text={message.content} names={names} />
        {meta}
      </div>
    );
  }
  return (
    <>
      <div dir="auto" className={cx(styles.text, styles.cut)}>
        <RichText text={content.slice(0, LONG)} names={names} />
      </div>
      <button type="button" className={styles.more} onClick={() => setOpen(true)}>
        {t("message.more")}
      </button>
      {meta}
    </>
  );
}

function Meta({ message, tick, isStarred }: { message: MessageData; tick: TickState | null; isStarred: boolean }) {
  return (
    <span className={styles.meta}>
      {message.pinned && !message.deletedAt && <Pin size={11} role="img" aria-label={t("message.pinned")} />}
      {isStarred && <Star size={11} fill="currentColor" role="img" aria-label={t("message.starred")} />}
      {message.editedAt && !message.deletedAt && <span>{t("message.edited")}</span>}
      <time dateTime={message.timestamp} title={fullTime(message.timestamp)}>
        {clock(message.timestamp)}
      </time>
      {tick && !message.deletedAt && <Tick state={tick} />}
    </span>
  );
}

function goneText(message: MessageData, me: string): string {
  return message.deletedBy === me ? t("message.deletedByYou") : t("message.deleted");
}
