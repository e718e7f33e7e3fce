// A text field that suggests records while one types. Without this module the field takes the exact reference.

const PAUSE = 150;
let count = 0;

const setUp = (box) => {
  if (box.dataset.ready) return;
  box.dataset.ready = "yes";
  const input = box.querySelector("input");
  const list = box.querySelector(".combobox__list");
  list.id = `suggestions-${(count += 1)}`;
  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  const known = box.parentElement.querySelector("[data-known]");
  let timer;
  let request;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const current = () => list.querySelector("[aria-selected=true]");

  const close = () => {
    clearTimeout(timer);
    request?.abort();
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (option) => {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  // The field holds a code; what it stands for is said below it.
  const say = (text) => {
    if (!known) return;
    known.textContent = text;
    known.hidden = !text;
  };

  const choose = (option) => {
    input.value = option.dataset.value;
    say(option.dataset.label);
    close();
    input.dispatchEvent(new CustomEvent("choose", { bubbles: true, detail: { ...option.dataset } }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const suggest = async () => {
    request?.abort();
    request = new AbortController();
    const url = `${box.dataset.combobox}?q=${encodeURIComponent(input.value)}`;
    const answer = await fetch(url, { signal: request.signal, headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || document.activeElement !== input) return;
    const marked = current()?.dataset.value;
    list.innerHTML = await answer.text();
    options().forEach((option, place) => {
      option.id = `${list.id}-${place}`;
      option.setAttribute("aria-selected", "false");
    });
    input.setAttribute("aria-expanded", String(options().length > 0));
    // Suggestions that come late do not undo a choice that is being made.
    const again = options().find((option) => option.dataset.value === marked);
    if (again) mark(again);
    else input.removeAttribute("aria-activedescendant");
  };

  const move = (step) => {
    const all = options();
    if (!all.length) return suggest();
    const place = all.indexOf(current());
    return mark(all.at((place + step + (place < 0 && step < 0 ? 1 : 0)) % all.length));
  };

  input.addEventListener("input", () => {
    say("");
    request?.abort();
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move(step);
    } else if (event.key === "Enter" && current()) {
      event.preventDefault();
      choose(current());
    } else if (event.key === "Escape" && list.childElementCount) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  input.addEventListener("blur", close);
  // pointerdown, not click: the blur would have emptied the list by then.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
};

const setUpAll = (root) => root.querySelectorAll("[data-combobox]").forEach(setUp);

document.addEventListener("htmx:load", (event) => setUpAll(event.target.parentNode ?? document));
document.addEventListener("lines:added", (event) => setUpAll(event.target));
setUpAll(document);
