import { useInfiniteQuery } from "@tanstack/react-query";
import { LogOut, MoreHorizontal, Pencil, UserPlus, X } from "lucide-react";
import { Suspense, useState, type ReactNode } from "react";
import { t } from "../../lib/i18n";
import { gist } from "../../lib/text/clean";
import { refusalText } from "../../model/refusals";
import { useClient } from "../../model/session";
import type { About, Message } from "../../model/types";
import type { Person } from "../../model/users";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { MenuButton } from "../../ui/Menu";
import { part } from "../../ui/part";
import { PersonRow } from "../../ui/PersonRow";
import { toasts } from "../../ui/toasts";
import { cx } from "../../ui/cx";
import styles from "./groups.module.css";

const AddPeople = part(() => import("./AddPeople"));
const EditGroup = part(() => import("./EditGroup"));
const Confirm = part(async () => ({ default: (await import("../../ui/Dialog")).Confirm }));

type Role = "owner" | "admin" | "member";

interface Member {
  user: string;
  username: string;
  role?: Role;
}

interface InfoPanelProps {
  about: About;
  title: string;
  faceId: string;
  /** What is said below the name: when somebody was there last. */
  presence: string;
  isThere: (user: string) => boolean;
  pinned: readonly Message[];
  suggested: readonly Person[];
  onGoTo: (seq: number) => void;
  onWrite: (user: string) => void;
  onClose: () => void;
}

/** What a conversation is: who is in it, what is pinned, and what this person may do with it. */
export default function InfoPanel(props: InfoPanelProps) {
  const { about, title, faceId, presence, pinned, onGoTo, onClose } = props;
  const client = useClient();
  const [open, setOpen] = useState<ReactNode>(null);
  const isGroup = about.kind === "group";
  const isManager = about.role === "owner" || about.role === "admin";
  const close = () => setOpen(null);
  const tried = (work: Promise<unknown>) => void work.catch((error: unknown) => toasts.problem(refusalText(error)));
  const members = useMembers(about);
  const known = members.data?.pages.flatMap((page) => page.members) ?? (about.members as readonly Member[]);

  return (
    <aside className={styles.panel} aria-label={t("info.label")}>
      <header className={styles.bar}>
        <IconButton label={t("info.close")} onClick={onClose}>
          <X size={20} />
        </IconButton>
        <span className={styles.barTitle}>{t("info.label")}</span>
      </header>
      <div className={styles.scroll}>
        <div className={styles.face}>
          <Avatar id={faceId} name={title} size="huge" isGroup={isGroup} />
          <h2>
            <bdi>{title}</bdi>
          </h2>
          <p className={styles.soft}>{presence}</p>
          {about.description && (
            <p className={styles.description} dir="auto">
              {about.description}
            </p>
          )}
        </div>
        <section className={styles.section}>
          <h3 className={styles.head}>{t("info.pinned")}</h3>
          {pinned.map((message) => (
            <button key={message.seq} type="button" className={styles.pinned} onClick={() => onGoTo(message.seq)}>
              <span dir="auto">{gist(message.content, 160)}</span>
            </button>
          ))}
          {pinned.length === 0 && <p className={cx(styles.soft, styles.head)}>{t("info.noPinned")}</p>}
        </section>
        {isGroup && about.until == null && (
          <>
            <section className={styles.section}>
              <h3 className={styles.head}>{t("group.members", { count: about.memberCount })}</h3>
              {isManager && (
                <Action
                  icon={<UserPlus size={20} />}
                  label={t("group.addPeople")}
                  onClick={() =>
                    setOpen(
                      <AddPeople
                        suggested={props.suggested}
                        without={new Set(known.map(({ user }) => user))}
                        onAdd={(users) => tried(client.addMembers(about._id, users))}
                        onClose={close}
                      />,
                    )
                  }
                />
              )}
              <ul aria-label={t("group.people")}>
                {known.map((member) => (
                  <li key={member.user}>
                    <MemberRow {...props} member={member} tried={tried} open={setOpen} close={close} />
                  </li>
                ))}
              </ul>
              {members.hasNextPage && (
                <Button busy={members.isFetching} onClick={() => void members.fetchNextPage()}>
                  {t("group.showAll")}
                </Button>
              )}
            </section>
            <section className={styles.section}>
              {isManager && (
                <Action
                  icon={<Pencil size={20} />}
                  label={t("group.edit")}
                  onClick={() =>
                    setOpen(
                      <EditGroup
                        about={about}
                        onSave={(said) => tried(client.updateGroup(about._id, said))}
                        onClose={close}
                      />,
                    )
                  }
                />
              )}
              <Action
                icon={<LogOut size={20} />}
                label={t("group.leave")}
                isDanger
                onClick={() =>
                  setOpen(
                    <Confirm
                      title={t("group.leaveTitle", { name: title })}
                      hint={t("group.leaveHint")}
                      action={t("group.leave")}
                      onConfirm={() => tried(client.leave(about._id))}
                      onClose={close}
                    />,
                  )
                }
              />
            </section>
          </>
        )}
      </div>
      <Suspense fallback={null}>{open}</Suspense>
    </aside>
  );
}

interface ActionProps {
  icon: ReactNode;
  label: string;
  isDanger?: boolean;
  onClick: () => void;
}

function Action({ icon, label, isDanger, onClick }: ActionProps) {
  return (
    <button type="button" className={cx(styles.action, isDanger && styles.danger)} onClick={onClick}>
      {icon} {label}
    </button>
  );
}

type MemberRowProps = InfoPanelProps & {
  member: Member;
  tried: (work: Promise<unknown>) => void;
  open: (dialog: ReactNode) => void;
  close: () => void;
};

function MemberRow({ about, member, isThere, onWrite, tried, open, close }: MemberRowProps) {
  const client = useClient();
  const { user, username, role = "member" } = member;
  const isMe = user === client.state.me;
  const mayRemove = !isMe && (about.role === "owner" || (about.role === "admin" && role === "member"));
  const ask = (what: "owner" | "remove", action: string, work: () => Promise<unknown>) => () =>
    open(
      <Confirm
        title={t(`group.${what}Title`, { name: username })}
        hint={t(`group.${what}Hint`)}
        action={action}
        onConfirm={() => tried(work())}
        onClose={close}
      />,
    );
  const isOwner = about.role === "owner";
  const setRole = (to: Role) => client.setRole(about._id, user, to);
  const menu = !isMe && (
    <MenuButton
      label={t("group.moreAbout", { name: username })}
      icon={<MoreHorizontal size={18} />}
      entries={[
        { label: t("group.write", { name: username }), onSelect: () => onWrite(user) },
        isOwner && {
          label: t(role === "admin" ? "group.makeMember" : "group.makeAdmin"),
          onSelect: () => tried(setRole(role === "admin" ? "member" : "admin")),
        },
        isOwner && {
          label: t("group.makeOwner"),
          onSelect: ask("owner", t("group.makeOwner"), () => setRole("owner")),
        },
        mayRemove && {
          label: t("group.remove"),
          isDanger: true,
          onSelect: ask("remove", t("group.remove"), () => client.removeMember(about._id, user)),
        },
      ]}
    />
  );
  return (
    <PersonRow
      id={user}
      name={isMe ? t("chats.yourself", { name: username }) : username}
      hint={role !== "member" && <span className={styles.role}>{t(`group.${role}`)}</span>}
      isThere={isThere(user)}
      after={menu}
    />
  );
}

/** All members: what the client knows has the first of them alone. Asked for again when the group has changed. */
function useMembers(about: About) {
  const client = useClient();
  return useInfiniteQuery({
    queryKey: ["members", about._id, about.memberCount, about.members.map((each) => each.role).join()],
    queryFn: ({ pageParam }) => client.members(about._id, pageParam, 100),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: about.kind === "group" && about.until == null && about.memberCount > about.members.length,
  });
}
