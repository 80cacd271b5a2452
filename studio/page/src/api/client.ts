import { folderName } from "../folder_name";
import { createStore } from "../store";

/** Whether the server answers, and whether it accepts the token. */
export type Connection = "ok" | "gone" | "refused";

export const connection = createStore<{ state: Connection }>({ state: "ok" });

/** The server's refusal of a request, with its explanation. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: unknown,
  ) {
    super(message);
  }
}

/** The server did not answer, or did not accept the token. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** The token is part of the address, so that the page can be loaded again. */
function token(): string {
  return new URLSearchParams(location.search).get("token") ?? "";
}

/** Sends a request.
 *
 * @throws ServerError if the server refuses it; ConnectionError if there is no server.
 */
export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, signal);
  const answer: unknown = await response.json().catch(() => null);
  if (response.status === 401) {
    connection.set({ state: "refused" });
    throw new ConnectionError("The token is invalid.");
  }
  if (connection.get().state !== "ok") connection.set({ state: "ok" });
  if (!response.ok) throw new ServerError(response.status, inFolder(errorMessage(answer, response)), answer);
  return answer as T;
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    connection.set({ state: "gone" });
    throw new ConnectionError("The server has stopped.");
  }
}

function errorMessage(answer: unknown, response: Response): string {
  if (typeof answer === "object" && answer !== null) {
    const { message, error } = answer as { message?: unknown; error?: unknown };
    if (typeof message === "string") return message;
    if (typeof error === "string") return error;
    if (typeof error === "object" && error !== null) return errorMessage(error, response);
  }
  return `The server answered ${response.status} ${response.statusText}.`;
}

/** A message with the paths of the folder as the page shows them, relative to it. */
function inFolder(message: string): string {
  const folder = folderName();
  return folder === "" ? message : message.replaceAll(`${folder}/`, "");
}

/** The address of a resource with the values of its query; null values are left out. */
export function address(path: string, query: Record<string, string | number | null>): string {
  const values = Object.entries(query).filter(([, value]) => value !== null);
  return `${path}?${new URLSearchParams(values.map(([name, value]) => [name, String(value)]))}`;
}
