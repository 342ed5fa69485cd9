// What tests plant to see whether it leaks: the card and the security code of a caller who sends them where they do not belong, and the secrets of a service's
// settings. None of it may be told or kept, in whatever words.

export const CANARIES = {
  /** The number of a test card that no token stands for. */
  card: "5105105105105100",
  /** The number of a test card that the booking dialect turns into its token. */
  testCard: "4242424242424242",
  /** It begins with a zero, as no amount, count or time does that could stand anywhere by chance. */
  cvc: "0739",
  /**
   * The number of a card in a caller's own notes, which metadata and description are. They are kept and given back as they are, and are told to nobody
   * else.
   */
  note: "4012888888881881",
} as const;

const SECRET_SETTING = /KEY|SECRET|PASSWORD|TOKEN/;
const URL_SETTING = /URL$/;
/** What is shorter is no secret, and may stand anywhere. */
const SECRET_LENGTH_MIN = 8;

function escape(text: string): string {
  return text.replace(/[^\w]/g, "\\$&");
}

/** Source of a regular expression, as JavaScript and PostgreSQL both read it, for what may be nowhere at all. */
export function secretPattern(secrets: readonly string[]): string {
  const { card, testCard, cvc } = CANARIES;
  const texts = [card, testCard, ...secrets].map(escape);
  return [...texts, `(?<![\\w.-])${cvc}(?![\\w-])`].join("|");
}

/** The same for what may be in none of a caller's sight but the caller's own notes. */
export function canaryPattern(secrets: readonly string[]): string {
  return `${secretPattern(secrets)}|${CANARIES.note}`;
}

/** Secrets among settings: by the variable's name, and passwords in URLs. */
export function secretsOf(environment: Readonly<Record<string, string>>): string[] {
  const secrets = Object.entries(environment).flatMap(([name, value]) => {
    if (SECRET_SETTING.test(name)) return value.split(",");
    return URL_SETTING.test(name) && URL.canParse(value) ? [new URL(value).password] : [];
  });
  return secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN);
}
