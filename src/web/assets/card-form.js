// The card form: groups digits while they are typed, says what is wrong beside the field, and turns the card into its token.
import {
  brandOf,
  checkCvc,
  checkExpiry,
  checkNumber,
  groupExpiry,
  groupNumber,
  onlyDigits,
  passesLuhn,
} from "./card.js";

const NUMBER_DIGITS_MAX = 19;
/** Of a test card that was chosen: any month to come does. */
const YEARS_AHEAD = 4;

const form = document.getElementById("card-form");
const { email, number, expiry, cvc, name } = form.elements;
const brandName = document.getElementById("brand");

let tokens = new Map();
/** Why the number was wiped, until another is typed. */
let refusal = null;

const checks = new Map([
  [number, () => (number.value === "" && refusal) || checkNumber(onlyDigits(number.value), tokens)],
  [expiry, () => checkExpiry(expiry.value, new Date())],
  [cvc, () => checkCvc(cvc.value.trim(), onlyDigits(number.value))],
  [name, () => (name.value.trim() === "" ? "Enter the name on the card." : null)],
]);

/** `onSubmit` gets the card's token, once every field is as it should be. Nothing else that was typed leaves the form. */
export function startCardForm({ onSubmit, onTyped }) {
  number.addEventListener("input", () => {
    refusal = null;
    regroup(number, (text) => groupNumber(onlyDigits(text).slice(0, NUMBER_DIGITS_MAX)));
    brandName.textContent = brandOf(onlyDigits(number.value)).name;
    onTyped();
  });
  expiry.addEventListener("input", (event) => {
    // Whoever deletes the separator means the digit before it.
    if (event.inputType !== "deleteContentBackward") regroup(expiry, groupExpiry);
  });
  for (const [input, check] of checks) {
    input.addEventListener("input", () => setError(input, null));
    input.addEventListener("blur", ({ relatedTarget }) => {
      // The form is about to be sent, and then all of it is checked.
      if (input.value === "" || relatedTarget?.type === "submit") return;
      setError(input, check());
      forgetRealCard();
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (checkAll()) onSubmit(tokens.get(onlyDigits(number.value)));
  });
}

/** The test cards by number, which are the only ones that are taken. */
export function knowCards(cards) {
  tokens = new Map(cards.map((card) => [card.number, card.token]));
}

/** Shows the address that the shop gave, if it gave one. */
export function showEmail(address) {
  email.value = address ?? "";
  document.getElementById("email-field").hidden = address === null;
}

export function fillCard(card) {
  number.value = groupNumber(card.number);
  brandName.textContent = brandOf(card.number).name;
  expiry.value = `12 / ${String((new Date().getFullYear() + YEARS_AHEAD) % 100).padStart(2, "0")}`;
  cvc.value = "1234".slice(0, brandOf(card.number).cvcLength);
  if (name.value.trim() === "") name.value = "Test Customer";
  for (const input of checks.keys()) setError(input, null);
}

/** Shows what the issuer said of one field: "number", "expiry" or "cvc". */
export function blame(field, text) {
  const input = form.elements[field];
  setError(input, text);
  input.focus();
}

function checkAll() {
  const wrong = [...checks].filter(([input, check]) => {
    const text = check();
    setError(input, text);
    return text !== null;
  });
  forgetRealCard();
  wrong[0]?.[0].focus();
  return wrong.length === 0;
}

function setError(input, text) {
  document.getElementById(input.getAttribute("aria-describedby")).textContent = text ?? "";
  if (text === null) input.removeAttribute("aria-invalid");
  else input.setAttribute("aria-invalid", "true");
}

/** A number that looks real does not stay on the page. */
function forgetRealCard() {
  const digits = onlyDigits(number.value);
  if (!passesLuhn(digits) || digits.length < brandOf(digits).length || tokens.has(digits)) return;
  refusal = checkNumber(digits, tokens);
  number.value = "";
  brandName.textContent = "";
}

/** Writes a field anew, and leaves the caret behind the digit behind which it was. */
function regroup(input, group) {
  const digitsBefore = onlyDigits(input.value.slice(0, input.selectionStart)).length;
  const atEnd = input.selectionStart === input.value.length;
  input.value = group(input.value);
  if (atEnd) return;
  let caret = 0;
  for (let seen = 0; seen < digitsBefore && caret < input.value.length; caret += 1) {
    if (/\d/.test(input.value[caret])) seen += 1;
  }
  input.setSelectionRange(caret, caret);
}
