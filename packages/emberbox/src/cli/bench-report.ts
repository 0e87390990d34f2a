import { diagnose } from "@emberbox/microvm/internal";
import { formatReport } from "../bench/report.ts";
import { checkInWords } from "./doctor.ts";
import { version } from "./version.ts";
import { writeWhole } from "./whole-file.ts";

/**
 * Asks the doctor, and begins a report, so that a file that cannot be written is complained of before anything is
 * measured. What it resolves to replaces the report by one with the table, or with why there is none.
 */
export async function beginReport(file: string): Promise<(table: string) => Promise<void>> {
  const diagnosis = await diagnose();
  const doctor = diagnosis.checks.map((check) => checkInWords(check)).join("");
  const write = (table: string): Promise<void> =>
    writeWhole(file, (writeBytes) => {
      const text = formatReport({ version, date: new Date(), table, doctor, diagnosis });
      return writeBytes(Buffer.from(text));
    });
  await write("It was not finished.");
  return write;
}
