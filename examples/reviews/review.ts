import type { Order } from "../../services/orders/orders.contract.ts";
import { Refusal } from "../../services/shared/refusal.ts";
import type { Rating, Review } from "./reviews.contract.ts";

/** A review as it is kept. */
export interface KeptReview extends Review {
  version: number;
  authorId: string;
  /** Equal for every repeat of the request that it came with. */
  requestKey: string | null;
}

/** That somebody has bought something. Its id says it all. */
export interface Purchase {
  id: string;
  version: number;
}

/** All reviews of a product, as one sum. */
export interface Tally {
  id: string;
  version: number;
  reviews: number;
  stars: number;
}

export const purchaseId = (userId: string, sku: string): string => `${userId} ${sku}`;

/** What an order lets its buyer review. Guests have no name to sign with. */
export const purchasesOf = ({ customerId, lines }: Order): string[] =>
  customerId ? lines.map(({ sku }) => purchaseId(customerId, sku)) : [];

export function refuseStranger(purchases: readonly Purchase[]): void {
  if (purchases.length === 0) throw new Refusal("forbidden", "Only those who have bought it can review it.");
}

/** Whoever asks again gets what was made the first time; whoever has a second opinion is refused. */
export function theSame(earlier: KeptReview, requestKey: string | undefined): KeptReview {
  if (requestKey && earlier.requestKey === requestKey) return earlier;
  throw new Refusal("already_exists", "You have reviewed it already.");
}

export const reviewView = ({ version, authorId, requestKey, ...review }: KeptReview): Review => review;

export const noReviews = { reviews: 0, stars: 0 };

export const counted = (tally: Tally, { rating }: Review): Tally => ({
  ...tally,
  reviews: tally.reviews + 1,
  stars: tally.stars + rating,
});

export const ratingOf = (productId: string, { reviews, stars }: typeof noReviews): Rating => ({
  productId,
  reviews,
  average: reviews === 0 ? null : Math.round((stars * 10) / reviews) / 10,
});
