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

/** What stands above the messages. It is as high whatever it says: nothing moves when they turn out to be all. */
const HEAD_PX = 72;
/** Rows from an end of what is there, when more is asked for. */
const SOON = 25;
const LIT_MS = 1_600;
const SETTLE_MS = 250;
const AT_END_PX = 160;
/** Who is as near as that to the end stays there, whatever grows. */
const STICKS_PX = 4;
const ROW_PX = 41;
const LINE_PX = 21;
const QUOTE_PX = 50;
const CHARACTER_PX = 7.4;
/** Of the width there is, and at most: as Message.module.css has it. */
const WIDEST = 0.86;
const WIDEST_PX = 608;

/**
 * The messages of a conversation, one a row, then what is waiting to be sent. What is in view is in the page, and stays
 * where it is when older messages come in above it.
 */
export function History(props: HistoryProps) {
  const { span, pending, me, actions, now, onOlder, onNewer, onSeen, handle } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [lit, setLit] = useState<number | null>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const count = span.last - span.first + 1;
  const rows = count + pending.length;
  const { first } = span;
  const seqOf = (index: number) => first + index;
  const indexOf = (seq: number) => seq - first;

  // With another function everything is laid out anew: it is another one when another row is meant by an index.
  const getItemKey = useCallback(
    (index: number) => (index < count ? first + index : (pending[index - count]?.clientId ?? index)),
    [first, count, pending],
  );
  const latest = useRef(span);
  latest.current = span;
  const estimateSize = useCallback((index: number) => {
    const { get, first: start } = latest.current;
    return estimate(get(start + index), scroller.current?.clientWidth ?? 0);
  }, []);

  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize,
    getItemKey,
    overscan: 12,
    paddingStart: HEAD_PX,
    anchorTo: "end",
    followOnAppend: !span.hasNewer,
    scrollEndThreshold: 120,
  });

  const light = useCallback((seq: number) => {
    setLit(seq);
    setTimeout(() => setLit((current) => (current === seq ? null : current)), LIT_MS);
  }, []);
  // What comes in above while one is on the way to a message would leave one at another.
  const [isSettled, setSettled] = useState(false);
  const settling = useRef<ReturnType<typeof setTimeout>>(undefined);
  const settle = () => {
    clearTimeout(settling.current);
    setSettled(false);
    settling.current = setTimeout(() => setSettled(true), SETTLE_MS);
  };
  useEffect(() => () => clearTimeout(settling.current), []);
  const reveal = (seq: number) => {
    settle();
    virtual.scrollToIndex(indexOf(seq), { align: "center" });
    light(seq);
  };

  // Where one begins to read: at a message, at what is unread, or at the end.
  const begun = useRef(false);
  const sticks = useRef(false);
  useLayoutEffect(() => {
    if (begun.current || rows === 0) return;
    begun.current = true;
    settle();
    const { startAt, mark } = props;
    if (typeof startAt === "number") return reveal(startAt);
    const unread = startAt === "unread" && mark ? indexOf(mark.after + 1) : -1;
    const isEnd = unread < 0 || unread >= count;
    sticks.current = isEnd && !span.hasNewer;
    if (isEnd) virtual.scrollToEnd();
    else virtual.scrollToIndex(unread, { align: "start" });
  });

  const range = virtual.range;
  const lastSeen = range ? Math.min(range.endIndex, count - 1) : -1;
  useEffect(() => {
    if (!range || !isSettled) return;
    if (span.hasOlder && range.startIndex <= SOON) onOlder();
    if (span.hasNewer && range.endIndex >= rows - SOON) onNewer();
    if (lastSeen >= 0) onSeen(seqOf(lastSeen));
  });

  const focusSeq = useCallback((seq: number) => {
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-seq="${seq}"]`)?.focus({ preventScroll: true }),
    );
  }, []);
  useImperativeHandle(handle, () => ({
    reveal,
    toEnd: () => virtual.scrollToEnd(),
    focus: () => focusSeq(seqOf(Math.max(0, lastSeen))),
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
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    sticks.current = left < STICKS_PX && !span.hasNewer;
    setAtEnd(left < AT_END_PX);
  };
  // What grows does not cover the last message: the box one writes in, a keyboard, or rows that are laid out anew.
  const stick = useCallback(() => {
    const element = scroller.current;
    if (element && sticks.current) element.scrollTop = element.scrollHeight;
  }, []);
  const height = virtual.getTotalSize();
  useLayoutEffect(stick, [stick, height]);
  useEffect(() => {
    const observer = new ResizeObserver(stick);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [stick]);

  const row = (index: number): ReactNode => {
    if (index >= count) {
      const waiting = pending[index - count];
      return waiting && <Pending outgoing={waiting} opens={index === count} me={me} onQuote={actions.goTo} />;
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
          style={{ height }}
          onKeyDown={move}
        >
          <div className={styles.head} style={{ height: HEAD_PX }}>
            {span.hasOlder ? t("history.loading") : props.begin}
          </div>
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

/** About how high a row is, before it is drawn: the better the guess, the less there is to mend when it is. */
function estimate(message: MessageData | undefined, width: number): number {
  if (!message) return ROW_PX;
  const perLine = Math.min(width > 0 ? width * WIDEST : WIDEST_PX, WIDEST_PX) / CHARACTER_PX;
  const { content } = message;
  const breaks = content.includes("\n") ? content.split("\n", 20).length - 1 : 0;
  const lines = Math.ceil((content.length + 8) / perLine) + breaks;
  return ROW_PX + Math.min(lines - 1, 20) * LINE_PX + (message.replyTo == null ? 0 : QUOTE_PX);
}
