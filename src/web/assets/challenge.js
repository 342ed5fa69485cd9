// The bank's question (3-D Secure), asked in a dialog that only an answer closes: Escape neither approves nor refuses.
import { isBusy, setBusy } from "./busy-button.js";
import { printMoney } from "./print.js";

const dialog = document.getElementById("challenge");
const buttons = [document.getElementById("approve"), document.getElementById("refuse")];
const error = document.getElementById("challenge-error");

let wanted = false;

export function startChallenge(onAnswer) {
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  // Some browsers let a second Escape through all the same.
  dialog.addEventListener("close", () => {
    if (wanted) dialog.showModal();
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (buttons.some(isBusy)) return;
      error.textContent = "";
      setBusy(button, true);
      onAnswer(button.id === "approve");
    });
  }
}

export function askChallenge(state) {
  document.getElementById("challenge-merchant").textContent = state.merchant;
  document.getElementById("challenge-amount").textContent = printMoney(state.amount, state.currency);
  document.getElementById("challenge-card").textContent = state.card ? `•••• ${state.card.last4}` : "";
  for (const button of buttons) setBusy(button, false);
  wanted = true;
  if (!dialog.open) dialog.showModal();
}

/** The question stands, since the answer did not arrive. */
export function challengeUnanswered() {
  for (const button of buttons) setBusy(button, false);
  error.textContent = "Your answer did not arrive. Please try again.";
}

export function closeChallenge() {
  wanted = false;
  if (dialog.open) dialog.close();
}
