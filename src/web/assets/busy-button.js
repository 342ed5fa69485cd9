// A button whose work takes a while: it turns, keeps the focus and its place, and takes no second click.

export function setBusy(button, busy) {
  if (busy) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  button.querySelector(".spinner").hidden = !busy;
}

export function isBusy(button) {
  return button.getAttribute("aria-disabled") === "true";
}
