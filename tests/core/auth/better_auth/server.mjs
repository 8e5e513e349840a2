// A stock Better Auth that keeps everything in memory: node server.mjs PORT SECRET [ALGORITHM]
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

const [port, secret, algorithm] = process.argv.slice(2);
const database = { user: [], session: [], account: [], verification: [], jwks: [] };
let mailed = "";

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret,
  database: memoryAdapter(database),
  emailAndPassword: { enabled: true },
  emailVerification: {
    sendOnSignUp: true,
    sendVerificationEmail: async ({ token }) => {
      mailed = token;
    },
  },
  session: { cookieCache: { enabled: true, strategy: "jwt" } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [jwt(algorithm ? { jwks: { keyPairConfig: { alg: algorithm } } } : undefined)],
});
const handle = toNodeHandler(auth);

createServer((request, response) => {
  if (request.url === "/mailed") {
    response.end(mailed);
  } else if (request.url === "/forget-keys") {
    database.jwks.length = 0;
    response.end();
  } else {
    handle(request, response);
  }
}).listen(Number(port), "127.0.0.1");
