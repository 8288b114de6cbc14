import { useMemo, useRef, type MouseEvent, type PointerEvent } from "react";

const HOLD_MS = 450;
const SLIP_PX = 10;
/** After a finger is gone browsers tell of the mouse it might have been: whatever is opened before that closes again. */
const AFTERWARDS_MS = 60;

/**
 * What a finger that stays where it is asks for, as the second button of a mouse does. Some phones tell of it by
 * `contextmenu` and some do not. It is given when the finger is gone, and the click at the end of it does not count.
 */
export function useLongPress(onHold: (target: HTMLElement) => void) {
  const latest = useRef(onHold);
  latest.current = onHold;
  return useMemo(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let start = { x: 0, y: 0 };
    let isTouched = false;
    let isHeld = false;
    const hold = () => {
      clearTimeout(timer);
      if (!isHeld) navigator.vibrate?.(10);
      isHeld = true;
    };
    const leave = (event: PointerEvent<HTMLElement>) => {
      const target = event.currentTarget;
      clearTimeout(timer);
      if (isTouched && isHeld) setTimeout(() => latest.current(target), AFTERWARDS_MS);
      isTouched = false;
    };
    return {
      onPointerDown(event: PointerEvent<HTMLElement>) {
        isHeld = false;
        isTouched = event.pointerType !== "mouse";
        start = { x: event.clientX, y: event.clientY };
        if (isTouched) timer = setTimeout(hold, HOLD_MS);
      },
      onPointerMove(event: PointerEvent<HTMLElement>) {
        if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > SLIP_PX) clearTimeout(timer);
      },
      onPointerUp: leave,
      onPointerCancel: leave,
      onContextMenu(event: MouseEvent<HTMLElement>) {
        // What the browser can do with a link, or with what is selected, it does.
        const isLink = event.target instanceof Element && event.target.closest("a[target]");
        if (isLink || getSelection()?.toString()) return;
        event.preventDefault();
        if (isTouched) hold();
        else latest.current(event.currentTarget);
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
