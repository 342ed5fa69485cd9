// Who is paid, at the top of a page: with the way back, as long as there is something to go back from.

export function showMerchant({ merchant, cancel_url: cancelUrl, status }) {
  document.getElementById("merchant").textContent = merchant;
  const link = document.getElementById("merchant-link");
  if (cancelUrl === null || status !== "open") link.removeAttribute("href");
  else link.href = cancelUrl;
}
