import { lazy, type ComponentType } from "react";

/** A part of the page that is fetched when it is first wanted. */
export function part<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(() => arrived(load));
}

/** Without a line it comes when the line is back. With one, a newer version has taken the place of this: the page begins anew. */
async function arrived<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch {
    if (navigator.onLine) {
      location.reload();
      return new Promise(() => {});
    }
    await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
    return arrived(load);
  }
}
