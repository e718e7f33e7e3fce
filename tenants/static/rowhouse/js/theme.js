// Light or dark: kept in a cookie, so that the server paints the next page right at once.

const YEAR = 31536000;

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (!choice) return;
  event.preventDefault();
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${choice.value}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
  document.documentElement.dataset.theme = choice.value;
  choice.closest("[popover]")?.hidePopover();
});
