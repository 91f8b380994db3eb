// What a link leads to, beside the link: while the pointer rests on it or the keyboard is at it, and on a first tap; the
// next tap follows it. Escape, a click elsewhere or going away closes the box. The page holds the boxes.
// Links are links without this file.
if ("popover" in HTMLElement.prototype) {
  const REST = 300, GONE = 250; // ms on a link until its box opens; away from both until it closes
  const GAP = 6, EDGE = 8; // px between link and box, and to the edge of the window
  const links = "a[data-peek]";
  const boxOf = (link) => document.getElementById(`peek-${link.dataset.peek}`).closest(".peek");
  const linkAt = (target) => target.closest?.(links) ?? null;
  let shown = null; // the link whose box is open
  let awaited = null; // the link that the pointer has come to
  let touched = null, before = null; // the link that a finger is on, and the one whose box was open then
  let timer, width = innerWidth;

  for (const link of document.querySelectorAll(links)) {
    link.setAttribute("aria-describedby", `peek-${link.dataset.peek}`);
    link.removeAttribute("title"); // the browser's own box
  }

  const wait = (time, act) => {
    clearTimeout(timer);
    timer = setTimeout(act, time);
  };
  const hide = () => {
    clearTimeout(timer);
    if (shown) boxOf(shown).hidePopover();
    shown = null;
  };

  // Below the line of the link that the pointer is on, or above it where there is no room; whole in the window.
  const place = (link, box, y) => {
    const lines = [...link.getClientRects()];
    const line = lines.find((each) => each.top - 2 <= y && y <= each.bottom + 2) ?? lines[0];
    const within = (at, size, whole) => Math.max(EDGE, Math.min(at, whole - size - EDGE));
    const below = line.bottom + GAP, above = line.top - GAP - box.offsetHeight;
    const top = below + box.offsetHeight <= innerHeight - EDGE || above < EDGE ? below : above;
    box.style.left = `${scrollX + within(line.left, box.offsetWidth, document.documentElement.clientWidth)}px`;
    box.style.top = `${scrollY + within(top, box.offsetHeight, innerHeight)}px`;
  };

  const show = (link, y) => {
    if (link === shown || !link.getClientRects().length) return;
    hide();
    const box = boxOf(link);
    const image = box.matches(".figure") && !box.querySelector("img") && link.hash && document.querySelector(`${link.hash} img`);
    if (image) box.append(Object.assign(image.cloneNode(), { loading: "eager" })); // of this page
    box.style.left = box.style.top = "0";
    box.showPopover();
    place(link, box, y);
    shown = link;
  };

  for (const box of document.querySelectorAll(".peek")) {
    box.addEventListener("beforetoggle", (event) => {
      if (event.newState === "closed" && shown && boxOf(shown) === box) shown = null; // by Escape, or a click elsewhere
    });
  }

  addEventListener("pointerover", ({ target, relatedTarget, pointerType }) => {
    if (pointerType === "touch" || linkAt(target)?.contains(relatedTarget)) return;
    awaited = null;
    if (shown && (linkAt(target) === shown || target.closest?.(".peek"))) clearTimeout(timer);
    else if (shown && !shown.matches(":focus-visible")) wait(GONE, hide);
    else clearTimeout(timer);
  });
  // Only a pointer that moves asks: a page that scrolls under one at rest also brings links to it.
  addEventListener("pointermove", ({ target, pointerType, clientY }) => {
    const link = pointerType === "touch" ? null : linkAt(target);
    if (!link || link === shown || link === awaited) return;
    awaited = link;
    wait(REST, () => show(link, clientY));
  });
  document.documentElement.addEventListener("pointerleave", () => shown && !shown.matches(":focus-visible") && wait(GONE, hide));

  addEventListener("focusin", ({ target }) => {
    const link = linkAt(target);
    if (link?.matches(":focus-visible")) show(link);
  });
  addEventListener("focusout", ({ target }) => {
    if (target === shown && !boxOf(shown).matches(":hover")) hide();
  });

  // A screen reader's double tap has no width: it has heard the description, and follows the link.
  addEventListener("pointerdown", ({ target, pointerType, width }) => {
    touched = pointerType === "touch" && width > 0 ? linkAt(target) : null;
    before = shown;
  }, true);
  addEventListener("click", (event) => {
    const link = linkAt(event.target);
    if (link && link === touched && link !== before) {
      event.preventDefault();
      show(link, event.clientY);
    } else if (link || event.target.closest?.(".peek a")) hide();
    touched = null;
  });
  addEventListener("resize", () => {
    if (innerWidth !== width) hide(); // a phone's bars, which come and go, change the height
    width = innerWidth;
  });
  addEventListener("pagehide", hide);
}
