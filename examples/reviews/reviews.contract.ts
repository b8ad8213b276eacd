import { contract } from "../../services/shared/contract.ts";
import {
  Id,
  Maybe,
  Nullable,
  PageOf,
  paging,
  Shape,
  type Static,
  Text,
  Time,
  Type,
} from "../../services/shared/schema.ts";

const Stars = Type.Integer({ minimum: 1, maximum: 5 });

export const Review = Shape({
  id: Id("rev"),
  productId: Id("prod"),
  author: Text(0, 200, "The name of who has written it."),
  rating: Stars,
  text: Text(0, 2_000),
  createdAt: Time,
});
export type Review = Static<typeof Review>;

export const Rating = Shape({
  productId: Id("prod"),
  reviews: Type.Integer({ minimum: 0 }),
  average: Nullable(Type.Number({ minimum: 1, maximum: 5, description: "With one decimal; null without a review." })),
});
export type Rating = Static<typeof Rating>;

const ByProduct = { productId: Id("prod") };

export const reviews = contract({
  name: "reviews",
  about: "What buyers say of products.",
  actions: {
    "reviews.list": {
      summary: "The reviews of a product, newest first",
      rest: { route: "GET /v1/products/:productId/reviews", access: "anyone" },
      graph: "query reviews",
      params: Shape({ ...ByProduct, ...paging }),
      result: PageOf(Review),
    },
    "reviews.rating": {
      summary: "How a product is rated on average",
      description: "It follows the reviews within moments.",
      rest: { route: "GET /v1/products/:productId/rating", access: "anyone" },
      graph: "query rating",
      params: Shape(ByProduct),
      result: Rating,
    },
    "reviews.add": {
      summary: "Review a product",
      description:
        "Once for each product, and only for those who have bought it while they were signed in: others are refused with `forbidden`.",
      rest: { route: "POST /v1/products/:productId/reviews", access: "user", status: 201 },
      graph: "mutation addReview",
      params: Shape({ ...ByProduct, rating: Stars, text: Maybe(Text(0, 2_000)) }),
      result: Review,
      refuses: ["not_found", "forbidden", "already_exists"],
    },
  },
  tells: { "reviews.added": Shape({ review: Review }) },
  hears: ["orders.confirmed", "reviews.added"],
});

declare module "../../services/contracts.ts" {
  interface Extensions {
    reviews: typeof reviews;
  }
}
declare module "../../services/shared/world.ts" {
  interface IdPrefixes {
    rev: "a review";
  }
}
