import type { ServiceBroker } from "moleculer";
import type { Caller, Meta } from "../services/shared/identity.ts";
import type { Actions, Params, Result, TypedBroker } from "../services/shared/typed.ts";
import type { World } from "../services/shared/world.ts";
import type { Secrets } from "./secrets.ts";

/** Who can join the cluster has its secret: nobody asks them for a password, and they have no account. */
const operator: Caller = { userId: "usr_operatorinrepl", role: "staff" };

/** What commands work with. */
export class Desk {
  readonly caller = operator;
  readonly broker: TypedBroker;
  readonly world: World;
  readonly secrets: Secrets;
  /** What this session has shown, and Tab can complete. */
  readonly seen = { orders: new Set<string>(), letters: [] as string[] };

  constructor(broker: ServiceBroker, world: World, secrets: Secrets) {
    this.broker = broker as unknown as TypedBroker;
    this.world = world;
    this.secrets = secrets;
  }

  /** Asks as staff do. */
  call<Name extends keyof Actions & string>(
    name: Name,
    params: Params<Name>,
    meta: Partial<Meta> = {},
  ): Promise<Result<Name>> {
    return this.broker.call(name, params, { meta: { caller: this.caller, ...meta } });
  }

  /** Asks as somebody does who has no account. */
  callAsGuest<Name extends keyof Actions & string>(name: Name, params: Params<Name>): Promise<Result<Name>> {
    return this.broker.call(name, params, { meta: { requestKey: this.onceKey() } });
  }

  /** Asks for something that counts once, however often the bus delivers it. */
  callOnce<Name extends keyof Actions & string>(name: Name, params: Params<Name>): Promise<Result<Name>> {
    return this.call(name, params, { requestKey: this.onceKey() });
  }

  /** A key that no other request has. */
  onceKey(): string {
    return `repl:${this.world.bytes(16).toString("hex")}`;
  }
}
