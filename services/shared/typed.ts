import type { ActionSchema, CallingOptions, Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Static, TSchema } from "typebox";
import type { Contracts, ServiceName } from "../contracts.ts";
import type { ActionContract } from "./contract.ts";
import type { Envelope, HouseAction, houseActions } from "./delivery.ts";
import type { Figures } from "./figures.ts";
import type { Meta } from "./identity.ts";
import type { Settings } from "./settings.ts";
import type { World } from "./world.ts";

type Intersection<Union> = (Union extends unknown ? (u: Union) => void : never) extends (i: infer I) => void
  ? I
  : never;

type Promised = Intersection<{ [S in ServiceName]: Contracts[S]["actions"] }[ServiceName]>;
type House = {
  [Name in `${ServiceName}.${HouseAction}`]: Name extends `${string}.${infer A extends HouseAction}`
    ? (typeof houseActions)[A]
    : never;
};
/** Everything that can be asked, by its whole name. */
export type Actions = Promised & Omit<House, keyof Promised>;

type ToldBy<S> = S extends { tells: infer T extends Record<string, TSchema> } ? T : {};
/** Everything that is told, by its whole name. */
export type Facts = Intersection<{ [S in ServiceName]: ToldBy<Contracts[S]> }[ServiceName]>;
export type FactName = keyof Facts & string;
export type Fact<Name extends FactName> = Facts[Name] extends TSchema ? Static<Facts[Name]> : never;

/** A fact as it arrives: what is told, with the id that makes a repeat recognisable. */
export type Told<Name extends FactName> = Omit<Envelope, "data" | "type"> & { type: Name; data: Fact<Name> };
/** A fact that a change of state causes. */
export type Telling = { [Name in FactName]: { type: Name; data: Fact<Name> } }[FactName];

type Schemas<Name extends keyof Actions> = Actions[Name] extends ActionContract ? Actions[Name] : never;
export type Params<Name extends keyof Actions> = Static<Schemas<Name>["params"]>;
export type Result<Name extends keyof Actions> = Static<Schemas<Name>["result"]>;

type Options = Omit<CallingOptions, "meta"> & { meta?: Partial<Meta> };

/** What code may do towards the rest of the cluster, checked against the contracts. */
export interface Cluster {
  call<Name extends keyof Actions & string>(name: Name, params: Params<Name>, options?: Options): Promise<Result<Name>>;
}

/** Moleculer's own context, its untyped doors replaced by the checked ones. */
export type Ctx<P = unknown> = Omit<
  Context<P, Meta>,
  keyof Cluster | "mcall" | "broker" | "emit" | "broadcast" | "params"
> &
  Cluster & { params: P };

/** The broker likewise. Moleculer's events are not offered: they get lost (see `tells`). */
export type TypedBroker = Omit<ServiceBroker, keyof Cluster | "mcall" | "emit" | "broadcast" | "broadcastLocal"> &
  Cluster;

/** `this` of every service. */
export type Self = Omit<Service, "broker" | "actions" | "Promise"> & {
  broker: TypedBroker;
  world: World;
  /** What the environment decided, the same for every service of a node. */
  shop: Settings;
  figures: Figures;
};

type Own<Name extends string, Key> = Key extends `${Name}.${infer Local}` ? Local : never;
type OwnActions<Name extends ServiceName> = Contracts[Name]["actions"];
type Handler<P, R, This> = (this: This, ctx: Ctx<P>) => Promise<R> | R;
type Action<P, R, This> =
  | Handler<P, R, This>
  | (Omit<ActionSchema, "handler" | "params" | "name"> & { handler: Handler<P, R, This> });

type HeardBy<Name extends ServiceName> = Contracts[Name] extends { hears: readonly (infer Type)[] }
  ? Extract<Type, FactName>
  : never;
type Hears<Name extends ServiceName, This> = [HeardBy<Name>] extends [never]
  ? { hears?: never }
  : { hears: { [Type in HeardBy<Name>]: (this: This, fact: Told<Type>) => Promise<unknown> } };

/**
 * A Moleculer service held to its contract: it implements every action that the contract names and
 * no other, hears every fact that it says it hears, and calls only what exists. `This` is what its
 * mixins and methods add to `this`.
 */
export type ServiceOf<Name extends ServiceName, This = unknown> = Omit<
  ServiceSchema,
  "name" | "actions" | "events" | "methods" | "created" | "started" | "stopped" | "hears" | "mixins"
> & {
  name: Name;
  mixins?: object[];
  actions: {
    [Key in keyof OwnActions<Name> & string as Own<Name, Key>]: OwnActions<Name>[Key] extends ActionContract
      ? Action<Static<OwnActions<Name>[Key]["params"]>, Static<OwnActions<Name>[Key]["result"]>, Self & This>
      : never;
  };
  methods?: { [Key in keyof This]?: This[Key] };
  created?(): void;
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
} & Hears<Name, Self & This> &
  ThisType<Self & This>;
