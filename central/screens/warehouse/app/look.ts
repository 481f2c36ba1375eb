// Light or dark, kept in the browser.

export type Theme = "auto" | "light" | "dark";

const KEPT = "gjurma-theme";

export function theme(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function look(wished: Theme): void {
  localStorage.setItem(KEPT, wished);
  if (wished === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = wished;
}
