// What a call throws, for exact checks: uvu's assert.throws calls an error class given to it and takes the result for a yes.

/** The error that `work` throws; fails if it throws none. */
export function thrown(work: () => unknown): Error & { readonly code?: string; readonly info?: object } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** The error that the promise rejects with; fails if it does not. */
export async function rejected(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("the promise was not rejected");
}

/** The error's code, or the name of its class if it has none; "nothing" if nothing is thrown. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).constructor.name;
  }
  return "nothing";
}

/** The code of the error that the promise rejects with. */
export async function codeOfAsync(promise: Promise<unknown>): Promise<string> {
  const error = await rejected(promise);
  return typeof error.code === "string" ? error.code : error.name;
}
