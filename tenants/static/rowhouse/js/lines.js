// The lines of a draft order: add, remove, and show what they come to.

const table = document.querySelector("[data-lines]");
const total = document.querySelector("[name$=TOTAL_FORMS]");
const blank = document.getElementById("line-template");

const add = () => {
  const place = Number(total.value);
  const row = blank.content.firstElementChild.cloneNode(true);
  row.innerHTML = row.innerHTML.replaceAll("__prefix__", place);
  table.append(row);
  total.value = place + 1;
  row.dispatchEvent(new CustomEvent("lines:added", { bubbles: true }));
  row.querySelector("input").focus();
};

// A removed line stays in the form with its fields empty: the server skips lines without a product.
const remove = (row) => {
  for (const input of row.querySelectorAll("input")) input.value = "";
  row.hidden = true;
  [...table.rows].find((other) => !other.hidden)?.querySelector("input").focus();
  sum();
};

const amount = (row, name) => Number.parseFloat(row.querySelector(`[name$=${name}]`)?.value) || 0;

const sum = () => {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: table.dataset.lines });
  let all = 0;
  for (const row of table.rows) {
    const line = amount(row, "quantity") * amount(row, "unit_price");
    all += line;
    row.querySelector("[data-line-total]").textContent = line ? format.format(line) : "–";
  }
  document.querySelector("[data-total]").textContent = format.format(all);
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
  const price = row.querySelector("[name$=unit_price]");
  const quantity = row.querySelector("[name$=quantity]");
  if (price) price.value = event.detail.price;
  quantity.value ||= 1;
  quantity.select();
  sum();
});
table.addEventListener("input", sum);
for (const button of document.querySelectorAll("[data-remove-line]")) button.hidden = false;
sum();
