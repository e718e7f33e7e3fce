// Rows of a list that are ticked: counted, and all of a page at once.

const tell = (form) => {
  const ticks = [...form.querySelectorAll("[data-tick]")];
  const count = ticks.filter((tick) => tick.checked).length;
  const said = form.querySelector("[data-chosen]");
  const all = form.querySelector("[data-all]");
  if (!said) return;
  said.textContent = `${count} chosen`;
  all.hidden = count === ticks.length;
};

const tellAll = () => {
  for (const form of document.querySelectorAll("[data-choosing]")) tell(form);
};

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick]")) tell(event.target.form);
});
document.addEventListener("click", (event) => {
  const all = event.target.closest("[data-all]");
  if (!all) return;
  for (const tick of all.form.querySelectorAll("[data-tick]")) tick.checked = true;
  tell(all.form);
  all.form.querySelector("button[type=submit]").focus();
});
document.addEventListener("htmx:afterSettle", tellAll);
window.addEventListener("pageshow", tellAll);
tellAll();
