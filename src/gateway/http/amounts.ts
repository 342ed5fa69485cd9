// Which currencies Stripe takes, and which amounts of them. Amounts come in Stripe's units, and Stripe's exceptions show whether a caller
// translated them: ISK and UGX are sent with two decimals that must be 00, three-decimal currencies must end in 0.
// https://docs.stripe.com/currencies
import { type Reader, refine, text } from "./parameters.ts";
import { found, invalidRequest, printable, type Refusal, refused } from "./refusal.ts";

const CURRENCIES = new Set(
  `usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk
  djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd
  kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar
  ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usdc uyu uzs vnd vuv wst xaf xcd xcg
  xof xpf yer zar zmw`.split(/\s+/),
);
const ENDS_IN_00 = new Set(["isk", "ugx"]);
const ENDS_IN_0 = new Set(["bhd", "jod", "kwd", "omr", "tnd"]);

export function currency(): Reader<string | null> {
  return refine(text(), (value, name) => {
    const code = value.toLowerCase();
    if (CURRENCIES.has(code)) return found(code);
    const some = [...CURRENCIES].slice(0, 8).join(", ");
    const message = `Invalid currency: ${printable(code)}. Stripe currently supports these currencies: ${some}, …`;
    return refused(invalidRequest(message, { param: name }));
  });
}

/** What is wrong with an amount of a currency, or undefined. `param` is the parameter that holds the amount. */
export function amountProblem(amount: bigint, code: string, param: string): Refusal | undefined {
  if (ENDS_IN_00.has(code) && amount % 100n !== 0n) {
    const message = `Invalid currency amount: an amount in ${code} must be divisible by 100, since ${code} has no decimals but is sent with two.`;
    return invalidRequest(message, { code: "parameter_invalid_integer", param });
  }
  if (ENDS_IN_0.has(code) && amount % 10n !== 0n) {
    const message = `Invalid currency amount: the last of the three decimals of an amount in ${code} must be 0.`;
    return invalidRequest(message, { code: "parameter_invalid_integer", param });
  }
  return undefined;
}
