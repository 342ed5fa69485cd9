// Amounts and times as people read them. The pages are in English, so a reader's own variety of English is used where there is one.

const locale = navigator.languages.find((language) => /^en\b/i.test(language)) ?? "en";

/** Prints a decimal text of major units exactly: it never becomes a number, and keeps every digit that it has. */
export function printMoney(decimal, currency) {
  const style = { style: "currency", currency };
  const usual = new Intl.NumberFormat(locale, style).resolvedOptions().maximumFractionDigits;
  const digits = Math.max(usual, (decimal.split(".")[1] ?? "").length);
  const exact = { ...style, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale, exact).format(decimal);
}

export function printTime(iso) {
  const time = new Date(iso);
  const today = new Date().toDateString() === time.toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(locale, style).format(time);
}
