// Counting with keyboard or scanner: Enter keeps a number and goes on to the next line, and after the last to the scan.

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-next]")) return;
  event.preventDefault();
  const fields = [...document.querySelectorAll("[data-next]")];
  const next =
    fields[fields.indexOf(event.target) + 1] ??
    document.querySelector("[data-scan]") ??
    document.querySelector("main form .button--primary");
  next?.focus();
  next?.select?.();
});

// What was not known stays in the field: the next code takes its place.
document.addEventListener("htmx:afterSettle", () => {
  const scan = document.querySelector("[data-scan]");
  if (document.activeElement === scan) scan?.select();
});
