// What a frontend does with the types that openapi-typescript makes.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

type Problem = components["schemas"]["Problem"];
type NewTask = paths["/api/tasks"]["post"]["requestBody"]["content"]["application/json"];

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000", headers: { Authorization: "Bearer ..." } });

export async function add(title: string): Promise<[number, string | null]> {
  const body: NewTask = { title }; // a field with a default may be left out
  const { data, error, response } = await client.POST("/api/tasks", { body });
  if (error !== undefined) throw new Error(sentenceOf(error)); // the language's own Error is not hidden
  return [data.id, response.headers.get("ETag")];
}

export async function complete(id: number, tag: string): Promise<string | null> {
  const { data } = await client.PATCH("/api/tasks/{id}", {
    params: { path: { id }, header: { "If-Match": tag } },
    body: { completed: true, description: null },
  });
  return data?.description ?? null;
}

export async function list(): Promise<string[]> {
  const { data = [] } = await client.GET("/api/tasks", { params: { query: { limit: 500 } } });
  const ids: (number | null)[] = data.map((task) => task.project_id);
  return ids.map(String);
}

export async function remove(id: number): Promise<undefined> {
  const { data } = await client.DELETE("/api/tasks/{id}", { params: { path: { id } } });
  return data;
}

function sentenceOf(problem: Problem): string {
  const fields = (problem.errors ?? []).map(({ loc, msg }) => `${loc.join(".")}: ${msg}`);
  return [problem.detail, ...fields].join("\n");
}

// @ts-expect-error  a field that is not there is no field
export const unknown: NewTask = { title: "A", titel: "B" };
// @ts-expect-error  a title is required
export const without: NewTask = {};
