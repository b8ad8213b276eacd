import { contracts } from "../services/contracts.ts";
import { type Route, routesOf } from "../services/gateway/routes.ts";
import type { Contract } from "../services/shared/contract.ts";

const fieldsOf = ({ contract }: Route): object => (contract.result as { properties?: object }).properties ?? {};

/** Every list that can be asked for by REST. */
export const lists = routesOf(contracts as Record<string, Contract>).filter(
  (route) => "data" in fieldsOf(route) && "nextCursor" in fieldsOf(route),
);
