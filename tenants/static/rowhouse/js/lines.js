// The lines of a draft order: add, remove, and show what they come to.

const table = document.querySelector("[data-lines]");
const total = document.querySelector("[name$=TOTAL_FORMS]");
const blank = document.getElementById("line-template");
const format = new Intl.NumberFormat(document.documentElement.lang, {
  style: "currency",
  currency: table.dataset.lines,
});

const quantity = (row) => row.querySelector("[name$=quantity]");
const shown = () => [...table.rows].filter((row) => !row.hidden);

const sum = () => {
  let all = 0;
  for (const row of table.rows) {
    const amount = (Number.parseFloat(quantity(row).value) || 0) * (Number.parseFloat(row.dataset.price) || 0);
    all += amount;
    row.querySelector("[data-line-total]").textContent = amount ? format.format(amount) : "–";
  }
  document.querySelector("[data-total]").textContent = format.format(all);
};

const know = (row, { price = "", label = "" } = {}) => {
  row.dataset.price = price;
  row.querySelector("[data-line-name]").textContent = label;
};

const reveal = (row) => {
  row.querySelector("[data-remove-line]").hidden = false;
};

const add = () => {
  const place = Number(total.value);
  const row = blank.content.firstElementChild.cloneNode(true);
  row.innerHTML = row.innerHTML.replaceAll("__prefix__", place);
  for (const label of row.querySelectorAll("label")) label.append(String(shown().length + 1));
  table.append(row);
  total.value = place + 1;
  reveal(row);
  row.dispatchEvent(new CustomEvent("lines:added", { bubbles: true }));
  row.querySelector("input").focus();
};

// A removed line stays in the form with its fields empty: the server skips lines without a product.
const remove = (row) => {
  for (const input of row.querySelectorAll("input")) input.value = "";
  know(row);
  row.hidden = true;
  sum();
  (shown().at(-1)?.querySelector("input") ?? document.querySelector("[data-add-line]")).focus();
};

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-add-line]")) {
    event.preventDefault();
    add();
  }
  const button = event.target.closest("[data-remove-line]");
  if (button) remove(button.closest("tr"));
});

table.addEventListener("choose", (event) => {
  const row = event.target.closest("tr");
  know(row, event.detail);
  quantity(row).value ||= 1;
  quantity(row).select();
  sum();
});

table.addEventListener("input", (event) => {
  if (event.target.matches("[name$=product]")) know(event.target.closest("tr"));
  sum();
});

for (const row of table.rows) reveal(row);
sum();
