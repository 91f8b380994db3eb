// What is wider than the paper is set smaller, so that none of it is cut.
document.fonts.ready.then(() => {
  for (const box of document.querySelectorAll(".table, .katex-display")) {
    for (let turn = 0; turn < 4 && box.scrollWidth > box.clientWidth + 1; turn++)
      box.style.zoom = ((box.style.zoom || 1) * box.clientWidth) / box.scrollWidth - 0.005;
  }
});
