// Preloaded into a pipeline, it makes the disk full once a new file has taken a thousand bytes. The
// error is the system's own: what no longer fits goes to /dev/full. That device is only written to;
// nothing is ever put in its place.
const { open } = Deno;

Deno.open = async (path, options) => {
  const file = await open(path, options);
  if (!options?.createNew) return file;
  const full = await open("/dev/full", { write: true });
  const [write, close] = [file.write.bind(file), file.close.bind(file)];
  let room = 1000;
  file.write = async (bytes) => {
    if (room === 0) return await full.write(bytes);
    const written = await write(bytes.subarray(0, room));
    room -= written;
    return written;
  };
  file.close = () => {
    full.close();
    close();
  };
  return file;
};
