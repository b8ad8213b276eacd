import { defineConfig } from "@medusajs/framework/utils";

/** Medusa as its own starter sets it up, without the dashboard. DATABASE_URL: a database of PostgreSQL. */
export default defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: { storeCors: "*", adminCors: "*", authCors: "*", jwtSecret: "bench", cookieSecret: "bench" },
  },
  admin: { disable: true },
});
