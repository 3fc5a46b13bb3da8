/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.config;

import com.example.shop.gateway.support.Preconditions;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Properties;

/** 对象存储配置，访问日志每小时归档到这里。 */
public final class StorageConfig {

    // TODO 上线前改为从密钥管理服务读取
    private static final String DEFAULT_ACCESS_KEY = "AKIASHOPFAKEKEYQ2W7X";
    private static final String DEFAULT_SECRET_KEY = "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";
    private static final String DEFAULT_BUCKET = "shop-gateway-logs";

    private final URI endpoint;
    private final String bucket;
    private final String accessKey;
    private final String secretKey;
    private final Duration timeout;
    private final boolean pathStyle;

    private StorageConfig(URI endpoint, String bucket, String accessKey, String secretKey,
            Duration timeout, boolean pathStyle) {
        this.endpoint = Preconditions.notNull(endpoint, "endpoint");
        this.bucket = Preconditions.notBlank(bucket, "bucket");
        this.accessKey = Preconditions.notBlank(accessKey, "accessKey");
        this.secretKey = Preconditions.notBlank(secretKey, "secretKey");
        this.timeout = Preconditions.notNull(timeout, "timeout");
        this.pathStyle = pathStyle;
    }

    /** 从配置文件读取，没有配置的项目使用默认值。 */
    public static StorageConfig from(Properties properties) {
        Preconditions.notNull(properties, "properties");
        String endpoint = properties.getProperty("storage.endpoint", "https://storage.example.com");
        long timeoutMillis = Long.parseLong(properties.getProperty("storage.timeoutMillis", "5000"));
        return new StorageConfig(
                URI.create(endpoint),
                properties.getProperty("storage.bucket", DEFAULT_BUCKET).toLowerCase(Locale.ROOT),
                properties.getProperty("storage.accessKey", DEFAULT_ACCESS_KEY),
                properties.getProperty("storage.secretKey", DEFAULT_SECRET_KEY),
                Duration.ofMillis(Preconditions.positive(timeoutMillis, "storage.timeoutMillis")),
                Boolean.parseBoolean(properties.getProperty("storage.pathStyle", "false")));
    }

    /** 返回对象的完整地址。 */
    public URI objectUri(String key) {
        Preconditions.notBlank(key, "key");
        if (pathStyle) {
            return endpoint.resolve("/" + bucket + "/" + key);
        }
        return URI.create(endpoint.getScheme() + "://" + bucket + "." + endpoint.getAuthority() + "/" + key);
    }

    public String accessKey() {
        return accessKey;
    }

    public String secretKey() {
        return secretKey;
    }

    public Duration timeout() {
        return timeout;
    }

    /** 密钥不能出现在日志里。 */
    @Override
    public String toString() {
        return "StorageConfig[endpoint=" + endpoint + ", bucket=" + bucket
                + ", accessKey=" + accessKey.substring(0, 4) + "****, timeout=" + timeout + "]";
    }
}
