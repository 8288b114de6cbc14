import { MAX_CONTENT_BYTES } from "@fireside/client";
import { Check, Pencil, Reply, SendHorizontal, Smile, X } from "lucide-react";
import { Suspense, useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import { t } from "../../lib/i18n";
import { gist } from "../../lib/text/clean";
import { IconButton } from "../../ui/Button";
import { part } from "../../ui/part";
import { askedFor, candidates, completed } from "./mentions";
import { MentionList } from "./MentionList";
import styles from "./Composer.module.css";

const EmojiPicker = part(() => import("../../ui/EmojiPicker"));

/** What one is about: answering a message, or changing one. */
export interface About {
  kind: "reply" | "edit";
  name: string;
  text: string;
  /** What it is about, for the effect that puts the caret here: another one, another key. */
  key: string;
}

interface ComposerProps {
  /** Where it goes: another place, another draft. */
  place: string;
  about: About | null;
  onCancelAbout: () => void;
  draft: string;
  onDraft: (text: string) => void;
  onSend: (text: string) => void;
  onTyping: (isTyping: boolean) => void;
  /** Arrow up in an empty box. */
  onEditLast: () => void;
  names: readonly string[];
  enterSends: boolean;
}

/** Where one writes. Enter sends, Shift+Enter begins a line; what is not sent is kept. */
export function Composer(props: ComposerProps) {
  const { place, about, onCancelAbout, draft, onDraft, onSend, onTyping, onEditLast, names, enterSends } = props;
  const [text, setText] = useState(draft);
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [isPicking, setPicking] = useState(false);
  const [closedAt, setClosedAt] = useState<number | null>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const isEditing = about?.kind === "edit";

  // What is being changed is put into the box; when that ends, the draft is there again.
  useEffect(() => {
    setText(isEditing ? about.text : draft);
    if (about || matchMedia("(pointer: fine)").matches) box.current?.focus();
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [place, about?.key, isEditing]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "0";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const asked = askedFor(text, caret);
  const found = asked && asked.at !== closedAt && names.length > 0 ? candidates(names, asked.start) : [];
  const excess = new TextEncoder().encode(text).length - MAX_CONTENT_BYTES;
  const canSend = text.trim() !== "" && excess <= 0;

  const change = (next: string, at = next.length) => {
    setText(next);
    setCaret(at);
    setChosen(0);
    if (!isEditing) onDraft(next);
    onTyping(next.trim() !== "");
  };
  const send = () => {
    if (!canSend) return;
    onSend(text.trim());
    onTyping(false);
    setPicking(false);
    if (!isEditing) change("");
    box.current?.focus();
  };
  const put = (next: { text: string; caret: number }) => {
    change(next.text, next.caret);
    requestAnimationFrame(() => {
      box.current?.focus();
      box.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const mention = (name: string) => asked && put(completed(text, asked, caret, name));
  const insert = (emoji: string) => {
    const at = box.current?.selectionStart ?? text.length;
    const end = box.current?.selectionEnd ?? at;
    put({ text: text.slice(0, at) + emoji + text.slice(end), caret: at + emoji.length });
  };

  const keyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (found.length > 0 && mentionKey(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey && (enterSends || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && (about || isPicking)) {
      event.preventDefault();
      event.stopPropagation();
      if (isPicking) setPicking(false);
      else onCancelAbout();
    } else if (event.key === "ArrowUp" && text === "" && !about) {
      event.preventDefault();
      onEditLast();
    }
  };
  const mentionKey = (event: KeyboardEvent): boolean => {
    const name = found[chosen];
    if (event.key === "ArrowDown") setChosen((chosen + 1) % found.length);
    else if (event.key === "ArrowUp") setChosen((chosen + found.length - 1) % found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && name) mention(name);
    else if (event.key === "Escape") {
      event.stopPropagation();
      setClosedAt(asked?.at ?? null);
    } else return false;
    return true;
  };

  return (
    <div className={styles.composer}>
      {about && (
        <div className={styles.about}>
          {isEditing ? <Pencil size={16} aria-hidden /> : <Reply size={16} aria-hidden />}
          <span className={styles.aboutText}>
            <strong>{isEditing ? t("compose.editing") : about.name}</strong>
            <bdi>{gist(about.text, 140)}</bdi>
          </span>
          <IconButton label={t("compose.cancel")} onClick={onCancelAbout}>
            <X size={18} />
          </IconButton>
        </div>
      )}
      {found.length > 0 && <MentionList id={listId} names={found} chosen={chosen} onPick={mention} />}
      {isPicking && (
        <Suspense fallback={null}>
          <div className={styles.picker}>
            <EmojiPicker onPick={insert} onClose={() => setPicking(false)} />
          </div>
        </Suspense>
      )}
      <div className={styles.line}>
        <IconButton label={t("compose.emoji")} aria-expanded={isPicking} onClick={() => setPicking(!isPicking)}>
          <Smile size={22} />
        </IconButton>
        <textarea
          ref={box}
          rows={1}
          dir="auto"
          value={text}
          aria-label={t("compose.label")}
          placeholder={t("compose.placeholder")}
          enterKeyHint={enterSends ? "send" : "enter"}
          aria-autocomplete="list"
          aria-controls={found.length > 0 ? listId : undefined}
          aria-activedescendant={found.length > 0 ? `${listId}-${chosen}` : undefined}
          className={styles.box}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={keyDown}
          onBlur={() => onTyping(false)}
        />
        <IconButton
          look="main"
          label={t(isEditing ? "compose.save" : "compose.send")}
          className={styles.send}
          disabled={!canSend}
          // The keyboard of a phone stays where it is.
          onPointerDown={(event) => event.preventDefault()}
          onClick={send}
        >
          {isEditing ? <Check size={20} /> : <SendHorizontal size={20} />}
        </IconButton>
      </div>
      {excess > 0 && (
        <p className={styles.problem} role="alert">
          {t("compose.tooLong", { count: excess })}
        </p>
      )}
    </div>
  );
}
