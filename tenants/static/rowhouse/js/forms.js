// Forms: the summary of errors takes the focus, and one press sends a form once.

const focusSummary = (root) => root.querySelector?.("[data-focus]")?.focus();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog" || form.method === "get") return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  // After the event, so that the button's own value is still sent.
  setTimeout(() => {
    if (!event.defaultPrevented) form.dataset.sending = "yes";
  });
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
});

document.addEventListener("htmx:afterSettle", (event) => focusSummary(event.target));
focusSummary(document);
