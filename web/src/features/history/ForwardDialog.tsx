import { useState } from "react";
import { t } from "../../lib/i18n";
import type { ChatSummary } from "../../model/chats";
import { useUserSearch } from "../../model/users";
import { Dialog } from "../../ui/Dialog";
import { PersonRow } from "../../ui/PersonRow";
import { SearchBox } from "../../ui/SearchBox";

export type Place = { conversation: string } | { to: string };

interface ForwardDialogProps {
  chats: readonly ChatSummary[];
  onForward: (place: Place) => void;
  onClose: () => void;
}

const SHOWN = 30;

/** Where is it to go? */
export default function ForwardDialog({ chats, onForward, onClose }: ForwardDialogProps) {
  const [query, setQuery] = useState("");
  const users = useUserSearch(query);
  const wanted = query.trim().toLowerCase();
  const found = chats.filter((chat) => !chat.hasLeft && chat.title.toLowerCase().includes(wanted)).slice(0, SHOWN);
  const known = new Set(chats.map((chat) => chat.faceId));
  const people = wanted ? (users.data ?? []).filter(({ _id }) => !known.has(_id)) : [];
  const choose = (place: Place) => () => {
    onClose();
    onForward(place);
  };
  return (
    <Dialog title={t("forward.title")} size="tall" onClose={onClose}>
      <SearchBox label={t("find.placeholder")} value={query} onChange={setQuery} />
      <ul>
        {found.map((chat) => (
          <li key={chat.id}>
            <PersonRow
              id={chat.faceId}
              name={chat.title}
              isGroup={chat.isGroup}
              onSelect={choose(chat.user ? { to: chat.user } : { conversation: chat.id })}
            />
          </li>
        ))}
        {people.map(({ _id, username }) => (
          <li key={_id}>
            <PersonRow id={_id} name={username} onSelect={choose({ to: _id })} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
