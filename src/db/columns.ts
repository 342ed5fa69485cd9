// The column lists of the named statements, read from the entities, so that a column is declared once.
import type { MikroORM } from "@mikro-orm/postgresql";

export interface Columns {
  /** `order_id, customer_id, …` */
  readonly names: string;
  /** The same columns of a record set: `i."orderId", i."customerId", …` */
  of(alias: string): string;
  /** What json_to_recordset needs to know of a record: `"orderId" text, "customerId" text, …` */
  readonly definition: string;
  /** `order_id as "orderId", …`, from the table under an alias. */
  select(alias: string): string;
  /** `order_id = i."orderId", …` */
  assign(alias: string): string;
}

interface Column {
  readonly property: string;
  readonly name: string;
  readonly type: string;
}

function describe(columns: readonly Column[]): Columns {
  const list = (print: (column: Column) => string): string => columns.map(print).join(", ");
  return {
    names: list((column) => column.name),
    of: (alias) => list((column) => `${alias}."${column.property}"`),
    definition: list((column) => `"${column.property}" ${column.type}`),
    select: (alias) => list((column) => `${alias}.${column.name} as "${column.property}"`),
    assign: (alias) => list((column) => `${column.name} = ${alias}."${column.property}"`),
  };
}

export interface TableColumns {
  readonly payment: Columns;
  /** The columns that facts change, without the key. */
  readonly progress: Columns;
  readonly refund: Columns;
  readonly dispute: Columns;
  readonly webhook: Columns;
  readonly operation: Columns;
  /** Without what the database or the relay fills in. */
  readonly event: Columns;
  readonly creditTransfer: Columns;
}

export function tableColumns(orm: MikroORM): TableColumns {
  const columnsOf = (entity: string): Column[] =>
    orm
      .getMetadata()
      .getByClassName(entity)
      .props.map((prop) => ({
        property: prop.name,
        name: prop.fieldNames[0] as string,
        type: prop.columnTypes[0] as string,
      }));
  const payment = columnsOf("Payment");
  // In the entity the columns that change come after those that do not; `status` is the first of them.
  const progress = payment.slice(payment.findIndex((column) => column.property === "status"));
  const written = columnsOf("PaymentEvent").filter(
    (column) => column.property !== "position" && column.property !== "publishedAt",
  );
  return {
    payment: describe(payment),
    progress: describe(progress),
    refund: describe(columnsOf("Refund")),
    dispute: describe(columnsOf("Dispute")),
    webhook: describe(columnsOf("WebhookEvent")),
    operation: describe(columnsOf("ProviderOperation")),
    event: describe(written),
    creditTransfer: describe(columnsOf("CreditTransfer")),
  };
}
