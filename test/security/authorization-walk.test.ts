// Every operation of every door, with every caller, for their own payment and another's, without a token, and with every broken one.
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Reason } from "../../src/domain/error.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/grpc/health/v1/health_pb.ts";
import { CALLERS, type Cell, type Door, type Operation, TABLE, type Who } from "./authorization-table.ts";
import { ANOTHER, CUSTOMER, type TokenTarget, World } from "./authorization-world.ts";
import { breakTokens } from "./issuer.ts";
import { openNatsDoor } from "./nats-door.ts";
import { openRestDoor } from "./rest-door.ts";
import { openRpcDoors } from "./rpc-doors.ts";

let world: World;
before(async () => {
  world = await World.open();
});
after(() => world.close());

async function openDoors(t: TestContext, at: World = world): Promise<Door[]> {
  return [...(await openRpcDoors(t, at)), await openRestDoor(t, at), await openNatsDoor(t, at)];
}

/** What must be answered. */
function expectation({ allowed }: Operation, cell: Cell): "ok" | Reason {
  if (cell === "hidden") return "ok";
  return cell === "allowed" ? allowed : cell;
}

async function check(door: Door, operation: Operation, who: Who): Promise<string[]> {
  const target = await world.newTarget(who === "customer, another's" ? ANOTHER : CUSTOMER);
  const verdict = await operation.call(await world.headerOf(who, target), target);
  const cell: Cell = TABLE[operation.kind][who];
  const reason = expectation(operation, cell);
  const status = (cell === "allowed" && operation.allowedStatus) || door.statusOf(reason);
  const wanted = `${reason} ${status}`;
  const got = `${verdict.reason} ${verdict.status}`;
  const wrong = got === wanted ? [] : [`${who}: ${got} instead of ${wanted}`];
  const isShown = verdict.body.includes(target.paymentId.replace("payment_", ""));
  const mustShow = operation.kind === "list" && cell === "allowed";
  if (cell === "hidden" && isShown) wrong.push(`${who}: another's payment is shown`);
  if (mustShow && !isShown) wrong.push(`${who}: their own payment is not shown`);
  return wrong;
}

test("every operation of every door answers every caller as the table says", async (t) => {
  const doors = await openDoors(t);
  const holes: string[] = [];
  let cells = 0;
  for (const door of doors) {
    for (const operation of door.operations) {
      cells += CALLERS.length;
      const wrong = await Promise.all(CALLERS.map((who) => check(door, operation, who)));
      holes.push(...wrong.flat().map((hole) => `${door.name}, ${operation.name}: ${hole}`));
    }
  }
  t.diagnostic(`${cells} cells`);
  assert.deepEqual(holes, []);
  assert.ok(cells > 600);
});

/** All that a call could have changed. */
function snapshot(): Promise<unknown[]> {
  return world.service.rows(
    `select (select json_agg(p order by p.id) from payment p) as payments, (select count(*) from request) as requests,
      (select count(*) from payment_event) as events, (select count(*) from provider_operation) as operations`,
  );
}

test("no operation of any door is done without a token, or with a broken one", async (t) => {
  const target: TokenTarget = await world.newTarget(CUSTOMER);
  const headers: (readonly [string, string | null])[] = [
    ["no token", null],
    ...(await breakTokens(world.issuer)).map(([name, header]) => [name, header] as const),
  ];
  const before = await snapshot();
  const holes: string[] = [];
  let cells = 0;
  for (const door of await openDoors(t)) {
    for (const operation of door.operations) {
      cells += headers.length;
      const verdicts = await Promise.all(headers.map(([, header]) => operation.call(header, target)));
      verdicts.forEach(({ reason, status, body }, index) => {
        const [name, header] = headers[index] ?? ["", null];
        const isRefused = reason === "UNAUTHENTICATED" && status === door.statusOf("UNAUTHENTICATED");
        const isRepeated = header !== null && header.length > 24 && body.includes(header.slice(-24));
        if (!isRefused || isRepeated) holes.push(`${door.name}, ${operation.name}, ${name}: ${reason} ${status}`);
      });
    }
  }
  t.diagnostic(`${cells} cells`);
  assert.deepEqual(holes, []);
  assert.deepEqual(await snapshot(), before);
});

test("while the issuer's keys cannot be fetched, everybody is told to come back", async (t) => {
  const stranger = await World.open();
  t.after(() => stranger.close());
  stranger.issuer.status = 503;
  const target = await stranger.newTarget(CUSTOMER);
  const header = await stranger.headerOf("admin", target);
  for (const door of await openDoors(t, stranger)) {
    for (const operation of door.operations) {
      const { reason, status } = await operation.call(header, target);
      assert.deepEqual(
        [reason, status],
        ["SERVICE_UNAVAILABLE", door.statusOf("SERVICE_UNAVAILABLE")],
        `${door.name}, ${operation.name}`,
      );
    }
  }
});

test("health is told to everybody, on both ports", async () => {
  const fastLane = createGrpcTransport({ baseUrl: `http://127.0.0.1:${world.ports.grpc.port}` });
  const http = createConnectTransport({ baseUrl: `http://127.0.0.1:${world.ports.http.port}` });
  for (const transport of [fastLane, http]) {
    const { status } = await createClient(Health, transport).check({ service: "payment.v1.PaymentService" });
    assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
  }
  assert.equal((await fetch(`http://127.0.0.1:${world.ports.http.port}/health/live`)).status, 200);
});
