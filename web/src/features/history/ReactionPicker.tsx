import { t } from "../../lib/i18n";
import EmojiPicker from "../../ui/EmojiPicker";
import { Popover } from "../../ui/Popover";

interface ReactionPickerProps {
  at: Element;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

/** Any emoji as a reaction. Loaded when somebody wants it. */
export default function ReactionPicker({ at, onPick, onClose }: ReactionPickerProps) {
  const pick = (emoji: string) => {
    onClose();
    onPick(emoji);
  };
  return (
    <Popover anchor={at} label={t("message.react")} onClose={onClose}>
      <EmojiPicker onPick={pick} onClose={onClose} />
    </Popover>
  );
}
