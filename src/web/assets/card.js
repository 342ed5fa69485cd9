// What can be said of a card by looking at it: its brand, whether its digits can be right, whether it has expired.

const BRANDS = [
  { name: "Amex", pattern: /^3[47]/, length: 15, cvcLength: 4, groups: [4, 6, 5] },
  { name: "Visa", pattern: /^4/, length: 16, cvcLength: 3, groups: [4, 4, 4, 4] },
  { name: "Mastercard", pattern: /^(5[1-5]|2[2-7])/, length: 16, cvcLength: 3, groups: [4, 4, 4, 4] },
  { name: "Discover", pattern: /^(6011|64[4-9]|65)/, length: 16, cvcLength: 3, groups: [4, 4, 4, 4] },
  { name: "Diners", pattern: /^3(0[0-5]|[689])/, length: 14, cvcLength: 3, groups: [4, 6, 4] },
  { name: "JCB", pattern: /^35/, length: 16, cvcLength: 3, groups: [4, 4, 4, 4] },
  { name: "UnionPay", pattern: /^62/, length: 16, cvcLength: 3, groups: [4, 4, 4, 4] },
];
const UNKNOWN = { name: "", length: 16, cvcLength: 3, groups: [4, 4, 4, 4, 3] };

const YEARS_AHEAD_MAX = 30;

export function onlyDigits(text) {
  return text.replace(/\D/g, "");
}

export function brandOf(digits) {
  return BRANDS.find(({ pattern }) => pattern.test(digits)) ?? UNKNOWN;
}

/** Sets the spaces between the groups of digits as they are on the card. */
export function groupNumber(digits) {
  const groups = [];
  let start = 0;
  for (const size of brandOf(digits).groups) {
    groups.push(digits.slice(start, start + size));
    start += size;
  }
  return groups.filter(Boolean).join(" ");
}

/** The check digit of all card numbers (ISO/IEC 7812-1). */
export function passesLuhn(digits) {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Says what is wrong with a number; null when nothing is. `known` holds the numbers of the test cards. */
export function checkNumber(digits, known) {
  if (digits === "") return "Enter the card number.";
  if (digits.length < brandOf(digits).length) return "This number is too short.";
  if (!passesLuhn(digits)) return "This number is not valid.";
  if (!known.has(digits)) return "Only test cards work here. Never enter a real card on this page.";
  return null;
}

/** Reads "12 / 34", "1234" or "12/2034"; undefined when it is no month. */
function parseExpiry(text) {
  const match = /^\s*(\d{1,2})\s*\/?\s*(\d{2}|\d{4})\s*$/.exec(text);
  if (!match) return undefined;
  const month = Number(match[1]);
  const year = Number(match[2]) + (match[2].length === 2 ? 2000 : 0);
  return month >= 1 && month <= 12 ? { month, year } : undefined;
}

export function checkExpiry(text, now) {
  if (text.trim() === "") return "Enter the date.";
  const expiry = parseExpiry(text);
  if (!expiry) return "Enter month and year.";
  const monthsLeft = (expiry.year - now.getFullYear()) * 12 + expiry.month - (now.getMonth() + 1);
  if (monthsLeft < 0) return "Card has expired.";
  return monthsLeft > YEARS_AHEAD_MAX * 12 ? "Check the year." : null;
}

export function checkCvc(text, digits) {
  const { cvcLength } = brandOf(digits);
  if (text === "") return "Enter the code.";
  return /^\d+$/.test(text) && text.length === cvcLength ? null : `Enter ${cvcLength} digits.`;
}

/** Writes an expiry while it is typed. */
export function groupExpiry(text) {
  const typed = onlyDigits(text).slice(0, 4);
  const digits = /^[2-9]/.test(typed) ? `0${typed}`.slice(0, 4) : typed;
  return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
}
