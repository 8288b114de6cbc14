import { Fragment, memo, type ReactNode } from "react";
import { shown } from "../lib/text/clean";
import { rich, type Piece } from "../lib/text/rich";
import styles from "./RichText.module.css";

interface RichTextProps {
  text: string;
  /** Lower-case usernames that may be mentioned. */
  names?: ReadonlySet<string>;
}

/** What somebody wrote, with its links, styles and mentions. It is text and the elements below, never markup. */
export const RichText = memo(function RichText({ text, names }: RichTextProps) {
  return <>{drawn(rich(shown(text), names))}</>;
});

const drawn = (pieces: Piece[]): ReactNode =>
  pieces.map((piece, index) => <Fragment key={index}>{draw(piece)}</Fragment>);

function draw(piece: Piece): ReactNode {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "code":
      return <code className={piece.text.includes("\n") ? styles.block : styles.code}>{piece.text}</code>;
    case "link":
      return (
        <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
          <bdi>{piece.text}</bdi>
        </a>
      );
    case "mention":
      return <bdi className={styles.mention}>{piece.text}</bdi>;
    case "bold":
      return <strong>{drawn(piece.pieces)}</strong>;
    case "italic":
      return <em>{drawn(piece.pieces)}</em>;
    case "struck":
      return <s>{drawn(piece.pieces)}</s>;
  }
}
