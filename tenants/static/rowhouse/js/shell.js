// The portal's frame: dialogs, the palette, keys.

const dialog = document.getElementById("dialog");
const palette = document.getElementById("palette");
const keys = document.getElementById("keys");
const results = document.getElementById("palette-results");
const mac = navigator.platform.startsWith("Mac");
const groups = [...document.querySelectorAll("[data-go]")];
let going = 0;

const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
const key = (text) => Object.assign(document.createElement("kbd"), { className: "key", textContent: text });

const openPalette = () => {
  if (palette.open) return;
  palette.showModal();
  const input = palette.querySelector("input");
  input.select();
  htmx.trigger(input, "open");
};

const search = () => {
  const field = document.querySelector("main input[type=search]");
  if (field) field.select();
  else openPalette();
};

const go = (letter) => groups.find((link) => link.dataset.go === letter)?.click();

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (mac ? event.metaKey : event.ctrlKey)) {
    event.preventDefault();
    openPalette();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (Date.now() - going < 1000) go(event.key);
  going = event.key === "g" ? Date.now() : 0;
  if (event.key === "/") {
    event.preventDefault();
    search();
  }
  if (event.key === "?") keys.showModal();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) {
    event.preventDefault();
    openPalette();
  }
  if (event.target.closest("[data-keys]")) {
    event.target.closest("[popover]")?.hidePopover();
    keys.showModal();
  }
  if (event.target.closest("[data-close]") && event.target.closest("dialog")) {
    event.preventDefault();
    event.target.closest("dialog").close();
  }
  if (event.target.closest("[data-print]")) window.print();
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => {
    copy.querySelector("span").textContent = "Copied";
  });
  // A press on the veil around a dialog closes it.
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

// The arrows walk the palette's results; Enter in the field opens the first.
palette.addEventListener("keydown", (event) => {
  const links = [...results.querySelectorAll("a")];
  const place = links.indexOf(document.activeElement);
  if (event.key === "Enter" && place < 0 && links.length) {
    event.preventDefault();
    links[0].click();
  }
  // A search field would only empty itself.
  if (event.key === "Escape") palette.close();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  (links[place + step] ?? (step < 0 ? palette.querySelector("input") : links[0]))?.focus();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog && !dialog.open) dialog.showModal();
});
dialog.addEventListener("close", () => dialog.replaceChildren());

for (const shown of document.querySelectorAll("[data-modifier]")) {
  if (mac) shown.textContent = `⌘${shown.dataset.modifier}`;
}
for (const hidden of document.querySelectorAll("[data-keys], [data-print], [data-copy]")) hidden.hidden = false;
for (const link of groups) document.querySelector("[data-go-keys]").append(key(link.dataset.go), " ");

// On a phone the tabs are wider than the page: the current one comes into sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
}
