import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from "react";
import { t } from "../../lib/i18n";
import { dayTitle } from "../../lib/time/dates";
import type { Message as MessageData, Outgoing } from "../../model/types";
import type { Span, View } from "../../model/view";
import { IconButton } from "../../ui/Button";
import type { TickState } from "../../ui/Tick";
import { Message } from "./Message";
import { Pending } from "./Pending";
import { SystemLine } from "./SystemLine";
import type { Actions } from "./actions";
import { around } from "./rows";
import styles from "./History.module.css";
import rowStyles from "./Message.module.css";

export interface HistoryHandle {
  /** Shows a message of the span and lights it up for a moment. */
  reveal: (seq: number) => void;
  toEnd: () => void;
  focus: () => void;
}

export interface UnreadMark {
  after: number;
  count: number;
}

interface HistoryProps {
  label: string;
  span: Span;
  startAt: View["startAt"];
  pending: readonly Outgoing[];
  me: string;
  /** What had not been read when somebody began to look: above which message, and how much. */
  mark: UnreadMark | null;
  /** What is not read now. */
  unread: number;
  withFaces: boolean;
  now: number;
  nameOf: (user: string) => string;
  tickOf: (message: MessageData) => TickState | null;
  isStarred: (seq: number) => boolean;
  names: ReadonlySet<string>;
  actions: Actions;
  onOlder: () => void;
  onNewer: () => void;
  onNewest: () => void;
  /** The last message that is in view, whenever it is another one. */
  onSeen: (seq: number) => void;
  begin: ReactNode;
  handle: Ref<HistoryHandle>;
}

const ESTIMATE = 58;
/** Rows from an end of what is there, when more is asked for. */
const SOON = 25;
const LIT_MS = 1_600;

/**
 * The messages of a conversation. Row 0 is what stands above them, then comes each message by its seq, then what is
 * waiting to be sent. What is in view is in the page, and stays where it is when older messages come in above it.
 */
export function History(props: HistoryProps) {
  const { span, pending, me, actions, now, onOlder, onNewer, onSeen, handle } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [lit, setLit] = useState<number | null>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const count = span.last - span.first + 1;
  const rows = 1 + count + pending.length;
  const seqOf = (index: number) => span.first + index - 1;
  const indexOf = (seq: number) => seq - span.first + 1;

  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATE,
    overscan: 12,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: 120,
    getItemKey: (index) => {
      if (index === 0) return "begin";
      const message = span.get(seqOf(index));
      if (index <= count) return message?.sender === me ? message.clientId : seqOf(index);
      return pending[index - count - 1]?.clientId ?? index;
    },
  });

  const light = useCallback((seq: number) => {
    setLit(seq);
    setTimeout(() => setLit((current) => (current === seq ? null : current)), LIT_MS);
  }, []);
  const reveal = (seq: number) => {
    virtual.scrollToIndex(indexOf(seq), { align: "center" });
    light(seq);
  };

  // Where one begins to read: at a message, at what is unread, or at the end.
  const begun = useRef(false);
  useLayoutEffect(() => {
    if (begun.current || rows <= 1) return;
    begun.current = true;
    const { startAt, mark } = props;
    if (typeof startAt === "number") return reveal(startAt);
    const unread = startAt === "unread" && mark ? indexOf(mark.after + 1) : 0;
    if (unread > 1 && unread <= count) virtual.scrollToIndex(unread, { align: "start" });
    else virtual.scrollToEnd();
  });

  const range = virtual.range;
  const lastSeen = range ? Math.min(range.endIndex, count) : 0;
  useEffect(() => {
    if (!range || !begun.current) return;
    if (span.hasOlder && range.startIndex <= SOON) onOlder();
    if (span.hasNewer && range.endIndex >= rows - SOON) onNewer();
    if (lastSeen > 0) onSeen(seqOf(lastSeen));
  });

  const focusSeq = useCallback((seq: number) => {
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-seq="${seq}"]`)?.focus({ preventScroll: true }),
    );
  }, []);
  useImperativeHandle(handle, () => ({
    reveal,
    toEnd: () => virtual.scrollToEnd(),
    focus: () => focusSeq(seqOf(Math.max(1, lastSeen))),
  }));

  const move = (event: KeyboardEvent<HTMLElement>) => {
    const at = (event.target as HTMLElement).dataset?.seq;
    if (at === undefined) return;
    const steps: Record<string, number> = { ArrowUp: Number(at) - 1, ArrowDown: Number(at) + 1 };
    const seq = steps[event.key];
    if (seq === undefined || seq < span.first || seq > span.last) return;
    event.preventDefault();
    virtual.scrollToIndex(indexOf(seq), { align: "auto" });
    focusSeq(seq);
  };
  const scrolled = () => {
    const element = scroller.current;
    if (element) setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < 160);
  };

  const row = (index: number): ReactNode => {
    if (index === 0) return span.hasOlder ? <p className={styles.loading}>{t("history.loading")}</p> : props.begin;
    if (index > count) {
      const waiting = pending[index - count - 1];
      return waiting && <Pending outgoing={waiting} opens={index === count + 1} me={me} onQuote={actions.goTo} />;
    }
    const seq = seqOf(index);
    const message = span.get(seq);
    if (!message || message.hidden) return null;
    const isFirstUnread = props.mark?.after === seq - 1;
    const isLastRead = props.mark?.after === seq;
    const next = span.get(seq + 1);
    const stands = around(seq > span.first ? span.get(seq - 1) : undefined, message, next, isFirstUnread, isLastRead);
    return (
      <>
        {stands.opensDay && (
          <div className={rowStyles.center}>
            <span className={rowStyles.day}>{dayTitle(message.timestamp, now)}</span>
          </div>
        )}
        {isFirstUnread && props.mark && (
          <div className={rowStyles.unread}>{t("history.unread", { count: props.mark.count })}</div>
        )}
        {message.system ? (
          <SystemLine message={message} />
        ) : (
          <Message
            message={message}
            opens={stands.opensGroup}
            closes={stands.closesGroup}
            me={me}
            sender={props.nameOf(message.sender)}
            withFaces={props.withFaces}
            tick={props.tickOf(message)}
            isStarred={props.isStarred(seq)}
            isLit={lit === seq}
            names={props.names}
            actions={actions}
          />
        )}
      </>
    );
  };

  const showsWayDown = !isAtEnd || span.hasNewer;
  return (
    <div className={styles.place}>
      <div ref={scroller} className={styles.scroller} onScroll={scrolled} data-testid="history">
        <div
          role="log"
          aria-live="off"
          aria-label={props.label}
          className={styles.list}
          style={{ height: virtual.getTotalSize() }}
          onKeyDown={move}
        >
          {virtual.getVirtualItems().map((item) => (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className={styles.row}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {row(item.index)}
            </div>
          ))}
        </div>
      </div>
      {showsWayDown && (
        <IconButton
          label={props.unread > 0 ? t("history.toNewestUnread", { count: props.unread }) : t("history.toNewest")}
          className={styles.down}
          onClick={props.onNewest}
        >
          <ArrowDown size={20} />
          {props.unread > 0 && <span className={styles.count}>{Math.min(props.unread, 999)}</span>}
        </IconButton>
      )}
    </div>
  );
}
