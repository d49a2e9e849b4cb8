import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { SinkError } from '../sink.errors.js';

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Attempts of one request, with the SDK's own backoff. Longer outages are for the caller. */
const MAX_ATTEMPTS = 3;
/** Metadata that holds the SHA-256 of an object, in hexadecimal. */
const SHA256_METADATA = 'sha256';

/** Bucket and settings of objects. The AWS SDK finds the credentials in the environment. */
interface ObjectStoreOptions {
  readonly bucket: string;
  readonly region: string;
  /** @default AWS */
  readonly endpoint?: string;
  readonly forcePathStyle: boolean;
  /** Objects with more bytes are uploaded in parts of this size. At least 5 MiB, except for the last part. */
  readonly partBytes: number;
  readonly storageClass?: string;
  readonly serverSideEncryption?: string;
  readonly kmsKeyId?: string;
}

/** An object and the entity tag that identifies this version of it. */
interface FoundObject {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** A bucket of an S3-compatible object store, with conditional writes. Its methods throw {@link SinkError}. */
export class ObjectStore implements Disposable {
  private readonly client: S3Client;
  private readonly writeOptions: Partial<PutObjectCommandInput>;

  constructor(private readonly options: ObjectStoreOptions) {
    const { region, endpoint, forcePathStyle, storageClass, serverSideEncryption, kmsKeyId } = options;
    this.client = new S3Client({
      region,
      forcePathStyle,
      maxAttempts: MAX_ATTEMPTS,
      ...(endpoint !== undefined && { endpoint }),
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    });
    this.writeOptions = {
      ...(storageClass !== undefined && {
        StorageClass: storageClass as NonNullable<PutObjectCommandInput['StorageClass']>,
      }),
      ...(serverSideEncryption !== undefined && {
        ServerSideEncryption: serverSideEncryption as NonNullable<
          PutObjectCommandInput['ServerSideEncryption']
        >,
      }),
      ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    };
  }

  /** @throws SinkError if the bucket does not exist or the credentials do not permit access */
  async check(): Promise<void> {
    await this.attempt(`bucket ${this.options.bucket}`, () =>
      this.client.send(new HeadBucketCommand({ Bucket: this.options.bucket })),
    );
  }

  /** Writes an object unless one with this key exists. Returns whether it was written. */
  async putIfAbsent(key: string, bytes: Buffer, sha256?: string): Promise<boolean> {
    if (bytes.length > this.options.partBytes) return this.putPartsIfAbsent(key, bytes, sha256);
    return this.put(key, bytes, { IfNoneMatch: '*', ...metadata(sha256) });
  }

  /** Replaces the version of an object that has this entity tag. Returns whether it was replaced. */
  async replace(key: string, bytes: Buffer, etag: string): Promise<boolean> {
    return this.put(key, bytes, { IfMatch: etag });
  }

  /** Writes an object, whether or not it exists. */
  async overwrite(key: string, bytes: Buffer, sha256: string): Promise<void> {
    await this.put(key, bytes, metadata(sha256));
  }

  /** Deletes an object. A bucket with versioning keeps its versions. */
  async delete(key: string): Promise<void> {
    await this.attempt(`DELETE ${key}`, () =>
      this.client.send(new DeleteObjectCommand({ Bucket: this.options.bucket, Key: key })),
    );
  }

  /** @returns `undefined` if there is no such object */
  async get(key: string): Promise<FoundObject | undefined> {
    return this.attempt(`GET ${key}`, async () => {
      try {
        const { Body: body, ETag: etag } = await this.client.send(
          new GetObjectCommand({ Bucket: this.options.bucket, Key: key }),
        );
        return { bytes: Buffer.from((await body?.transformToByteArray()) ?? []), etag: etag ?? '' };
      } catch (error) {
        if (hasStatus(error, 404) && nameOf(error) !== 'NoSuchBucket') return undefined;
        throw error;
      }
    });
  }

  /** Size and SHA-256 of an object, as they were when it was written; `undefined` if there is no such object. */
  async describe(
    key: string,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string | undefined } | undefined> {
    return this.attempt(`HEAD ${key}`, async () => {
      try {
        const { ContentLength: sizeBytes = 0, Metadata: found } = await this.client.send(
          new HeadObjectCommand({ Bucket: this.options.bucket, Key: key }),
        );
        return { sizeBytes, sha256: found?.[SHA256_METADATA] };
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    });
  }

  /** The keys with this prefix, in order. */
  async *list(prefix: string): AsyncGenerator<string, void, void> {
    let token: string | undefined;
    do {
      const page = await this.attempt(`LIST ${prefix}`, () =>
        this.client.send(
          new ListObjectsV2Command({ Bucket: this.options.bucket, Prefix: prefix, ContinuationToken: token }),
        ),
      );
      for (const { Key: key } of page.Contents ?? []) if (key !== undefined) yield key;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  [Symbol.dispose](): void {
    this.client.destroy();
  }

  private async put(key: string, bytes: Buffer, condition: Partial<PutObjectCommandInput>): Promise<boolean> {
    return this.attempt(`PUT ${key}`, () =>
      unlessFailedCondition(() =>
        this.client.send(
          new PutObjectCommand({
            Bucket: this.options.bucket,
            Key: key,
            Body: bytes,
            ...this.writeOptions,
            ...condition,
          }),
        ),
      ),
    );
  }

  private async putPartsIfAbsent(key: string, bytes: Buffer, sha256?: string): Promise<boolean> {
    const target = { Bucket: this.options.bucket, Key: key };
    return this.attempt(`multipart upload of ${key}`, async () => {
      const { UploadId: uploadId } = await this.client.send(
        new CreateMultipartUploadCommand({ ...target, ...this.writeOptions, ...metadata(sha256) }),
      );
      const upload = { ...target, UploadId: uploadId };
      try {
        const parts: { PartNumber: number; ETag: string | undefined }[] = [];
        for (let start = 0; start < bytes.length; start += this.options.partBytes) {
          const PartNumber = parts.length + 1;
          const Body = bytes.subarray(start, start + this.options.partBytes);
          const { ETag } = await this.client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
          parts.push({ PartNumber, ETag });
        }
        const isWritten = await unlessFailedCondition(() =>
          this.client.send(
            new CompleteMultipartUploadCommand({
              ...upload,
              IfNoneMatch: '*',
              MultipartUpload: { Parts: parts },
            }),
          ),
        );
        await this.abortUploads(key);
        return isWritten;
      } catch (error) {
        // Parts of an upload that is neither completed nor aborted are stored and paid for.
        await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
        throw error;
      }
    });
  }

  /** Aborts the uploads of an object that exists: of processes that were killed, and of those that another has overtaken. */
  private async abortUploads(key: string): Promise<void> {
    const { bucket: Bucket } = this.options;
    const { Uploads: uploads = [] } = await this.client.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix: key }),
    );
    for (const { Key, UploadId } of uploads.filter((upload) => upload.Key === key))
      await unlessAborted(() => this.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
  }

  private async attempt<T>(doing: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw toSinkError(error, doing, this.options);
    }
  }
}

function metadata(sha256: string | undefined): { readonly Metadata?: Record<string, string> } {
  return sha256 === undefined ? {} : { Metadata: { [SHA256_METADATA]: sha256 } };
}

/** Returns whether the request succeeded; false if its condition did not hold. */
async function unlessFailedCondition(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request();
    return true;
  } catch (error) {
    // 409: another request wrote the object at the same time, so the condition does not hold any more.
    if (hasStatus(error, 412) || nameOf(error) === 'ConditionalRequestConflict') return false;
    throw error;
  }
}

/** Another process may abort the same upload at the same time. */
async function unlessAborted(request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
}

const DENIED = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);
const MISCONFIGURED = new Set(['InvalidBucketName', 'NoSuchBucket', 'NotImplemented', 'PermanentRedirect']);

function toSinkError(error: unknown, doing: string, { bucket }: ObjectStoreOptions): SinkError {
  if (error instanceof SinkError) return error;
  const name = nameOf(error);
  const reason = error instanceof Error && error.message !== '' ? error.message : name;
  // HEAD has no body, so the SDK cannot tell why.
  if (name === 'NoSuchBucket' || (doing.startsWith('bucket') && hasStatus(error, 404))) {
    return new SinkError('MISCONFIGURED', `bucket "${bucket}" does not exist`, {
      retryable: true,
      cause: error,
    });
  }
  if (DENIED.has(name) || hasStatus(error, 401) || hasStatus(error, 403)) {
    const message = `the object store denied ${doing}: ${reason}; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;
    return new SinkError('ACCESS_DENIED', message, { retryable: true, cause: error });
  }
  if (MISCONFIGURED.has(name)) {
    return new SinkError('MISCONFIGURED', `${doing}: ${reason}`, { retryable: true, cause: error });
  }
  return new SinkError('UNAVAILABLE', `${doing}: ${reason}`, { retryable: true, cause: error });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;
}
