// The chooser of test cards: one group of radio buttons, so that one key leads past it and the arrows go through it.

const WIDE = "(min-width: 860px)";

const first = document.getElementById("first-cards");
const others = document.getElementById("other-cards");
const more = document.getElementById("more-cards");

let shown = false;

/** The first group is always in sight; the others are folded away where the screen is narrow. */
export function showTestCards(groups, onChoose) {
  if (shown) return;
  shown = true;
  more.open = matchMedia(WIDE).matches;
  for (const [index, group] of groups.entries()) {
    (index === 0 ? first : others).append(createGroup(group, index, onChoose));
  }
}

export function forgetChoice() {
  const chosen = document.querySelector("input[name=test-card]:checked");
  if (chosen) chosen.checked = false;
}

function createGroup({ title, cards }, index, onChoose) {
  const section = element("div", "card-group");
  const heading = element("h3", "", title);
  heading.id = `card-group-${index}`;
  section.setAttribute("role", "group");
  section.setAttribute("aria-labelledby", heading.id);
  const list = element("div", "card-list");
  list.append(...cards.map((card) => createChoice(card, onChoose)));
  section.append(heading, list);
  return section;
}

function createChoice(card, onChoose) {
  const choice = element("div", "test-card");
  const input = element("input", "");
  input.type = "radio";
  input.name = "test-card";
  input.id = card.token;
  input.value = card.token;
  // Arrow keys click as well; and a card can be chosen again after the form was changed by hand.
  input.addEventListener("click", () => onChoose(card));
  const label = element("label", "", card.label);
  label.htmlFor = card.token;
  const last4 = element("span", "last4 number", `·· ${card.number.slice(-4)}`);
  label.append(last4);
  choice.append(input, label);
  return choice;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
