import { type Collection, collectionOptions, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { found } from "../../services/shared/refusal.ts";
import type { ServiceOf } from "../../services/shared/typed.ts";
import { timeAt } from "../../services/shared/world.ts";
import {
  counted,
  type KeptReview,
  noReviews,
  type Purchase,
  purchaseId,
  purchasesOf,
  ratingOf,
  refuseStranger,
  reviewView,
  type Tally,
  theSame,
} from "./review.ts";

const reviews = collectionOptions<KeptReview>({
  fields: ["productId", "authorId"],
  unique: [["productId", "authorId"]],
  indexes: [["productId", "_id"]],
  tells: (before, after) => (before ? [] : [{ type: "reviews.added", data: { review: reviewView(after) } }]),
});
const purchases = collectionOptions<Purchase>({});
const tallies = collectionOptions<Tally>({});

interface Reviews {
  reviews: Collection<KeptReview>;
  purchases: Collection<Purchase>;
  tallies: Collection<Tally>;
  /** Undefined: there is one of this author already. */
  keep(review: Omit<KeptReview, "version">): Promise<KeptReview | undefined>;
}

export default {
  name: "reviews",
  mixins: [store({ reviews, purchases, tallies })],

  actions: {
    list(ctx) {
      const { productId, ...asked } = ctx.params;
      return this.reviews.page(asked, { where: { productId } }, reviewView);
    },

    async rating(ctx) {
      const { productId } = ctx.params;
      return ratingOf(productId, (await this.tallies.get(productId)) ?? noReviews);
    },

    async add(ctx) {
      const { productId, rating, text = "" } = ctx.params;
      const author = await ctx.call("users.me", {});
      const { variants } = await ctx.call("catalog.get", { idOrHandle: productId });
      refuseStranger(await this.purchases.getMany(variants.map(({ sku }) => purchaseId(author.id, sku))));
      const { requestKey = null } = ctx.meta;
      const signed = { author: author.name, authorId: author.id, createdAt: timeAt(this.world), requestKey };
      const made = await this.keep({ id: this.world.id("rev"), productId, rating, text, ...signed });
      if (made) return reviewView(made);
      const earlier = await this.reviews.first({ productId, authorId: author.id });
      return reviewView(theSame(found(earlier, "review"), ctx.meta.requestKey));
    },
  },

  hears: {
    /** A fact may come twice: what it writes down has an id that is made of it. */
    async "orders.confirmed"({ data }) {
      await Promise.all(purchasesOf(data.order).map((id) => this.purchases.insertOnce({ id })));
    },

    /** Here a repeat would count twice, so that the tally remembers what it has heard. */
    async "reviews.added"({ id: heard, data: { review } }) {
      await this.tallies.getOrMake(review.productId, () => noReviews);
      await this.tallies.change(review.productId, (tally) => counted(tally, review), { heard });
    },
  },

  methods: {
    async keep(review) {
      return this.reviews.insert(review).catch((error) => {
        if (!isDuplicate(error)) throw error;
        return undefined;
      });
    },
  },
} satisfies ServiceOf<"reviews", Reviews>;
