// Tokens: who a client is, and whether an administrator, is what a signed token says, never what the client says.
// Signed with ES256; the handlers' threads have the public key only.
import { errors, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { ChatError } from "./events.ts";

const ALGORITHM = "ES256";
const ISSUER = "holdfast-chat";
const AUDIENCE = "holdfast-chat-clients";

export interface Identity {
  readonly userId: string;
  readonly name: string;
  readonly isAdmin: boolean;
  /** Seconds since 1970, by the wall clock, as the token has it. */
  readonly expiresAt: number;
}

export interface TokenRequest {
  readonly userId: string;
  readonly name?: string;
  readonly isAdmin?: boolean;
  /** Seconds for which it is good; negative for one that has expired. Default 3,600. */
  readonly seconds?: number;
  readonly issuer?: string;
  readonly audience?: string;
}

/** A new pair of keys: what signs, and the public key as plain data. */
export async function createSigner(): Promise<{ publicKey: JWK; sign: (request: TokenRequest) => Promise<string> }> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
  const sign = ({ userId, name = userId, isAdmin, seconds = 3600, ...other }: TokenRequest): Promise<string> =>
    new SignJWT({ name, ...(isAdmin === true ? { role: "admin" } : {}) })
      .setProtectedHeader({ alg: ALGORITHM })
      .setSubject(userId)
      .setIssuer(other.issuer ?? ISSUER)
      .setAudience(other.audience ?? AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(privateKey);
  return { publicKey: await exportJWK(publicKey), sign };
}

/** What checks tokens against that key; it rejects with ChatError for forged, expired and foreign ones. */
export async function createVerifier(publicKey: JWK): Promise<(token: string) => Promise<Identity>> {
  const key = await importJWK(publicKey, ALGORITHM);
  const options = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ["sub", "exp"] };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, options);
      const { sub = "", exp = 0, name, role } = payload;
      if (sub === "" || sub.length > 64) throw new ChatError("bad_token", "the token names no user");
      return {
        userId: sub,
        name: typeof name === "string" ? name.slice(0, 64) : sub,
        isAdmin: role === "admin",
        expiresAt: exp,
      };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      // One answer for all: which check failed helps only a forger.
      throw new ChatError("bad_token", "the token is not valid here, or no longer");
    }
  };
}
