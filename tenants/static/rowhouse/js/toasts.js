// Toasts: said by the live region, gone after a while; errors, and what can be undone, stay until dismissed.

const PATIENCE = 6000;
const region = document.getElementById("toasts");

const expire = (toast) => {
  let timer;
  const wait = () => {
    timer = setTimeout(() => toast.remove(), PATIENCE);
  };
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
  wait();
};

const show = (toast) => {
  const close = document.getElementById("toast-close-template").content.firstElementChild.cloneNode(true);
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
  // Behind an open dialog nothing is seen, said or pressed.
  const place = document.querySelector("dialog[open]") ?? document.body;
  if (region.parentNode !== place) place.append(region);
  region.append(toast);
  if (!toast.matches(".toast--error, .toast--warning, :has(form)")) expire(toast);
};

const fail = (text) => {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  if (text) toast.querySelector("p").textContent = text;
  show(toast);
};

// A live region speaks only of what is put into it later: the server's toasts are taken out and put back.
const given = [...region.children];
region.replaceChildren();
requestAnimationFrame(() => given.forEach(show));

// The dialog is emptied when it closes.
document.addEventListener("close", () => document.body.append(region), true);
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) location.reload();
  // Plain text is written for people; pages are not shown in a toast.
  else fail(xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") ? xhr.responseText : "");
});
document.addEventListener("htmx:sendError", () => fail("The server cannot be reached. Check your connection and try again."));
