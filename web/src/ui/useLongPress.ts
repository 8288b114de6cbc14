import { useMemo, useRef, type MouseEvent, type PointerEvent } from "react";

const HOLD_MS = 450;
const SLIP_PX = 10;

/**
 * What a finger that stays where it is asks for, as the second button of a mouse does. Some phones tell of it by
 * `contextmenu` and some do not: whichever comes first counts, and the click at the end of it does not.
 */
export function useLongPress(onHold: (target: HTMLElement) => void) {
  const latest = useRef(onHold);
  latest.current = onHold;
  return useMemo(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let start = { x: 0, y: 0 };
    let isHeld = false;
    const stop = () => clearTimeout(timer);
    const hold = (target: HTMLElement) => {
      stop();
      isHeld = true;
      latest.current(target);
    };
    return {
      onPointerDown(event: PointerEvent<HTMLElement>) {
        isHeld = false;
        if (event.pointerType === "mouse") return;
        const target = event.currentTarget;
        start = { x: event.clientX, y: event.clientY };
        timer = setTimeout(() => hold(target), HOLD_MS);
      },
      onPointerMove(event: PointerEvent<HTMLElement>) {
        if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > SLIP_PX) stop();
      },
      onPointerUp: stop,
      onPointerCancel: stop,
      onContextMenu(event: MouseEvent<HTMLElement>) {
        // What the browser can do with a link, or with what is selected, it does.
        const isLink = event.target instanceof Element && event.target.closest("a[target]");
        if (isLink || getSelection()?.toString()) return;
        event.preventDefault();
        if (!isHeld) hold(event.currentTarget);
      },
      onClickCapture(event: MouseEvent<HTMLElement>) {
        if (!isHeld) return;
        isHeld = false;
        event.preventDefault();
        event.stopPropagation();
      },
    };
  }, []);
}
