/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.legacy;

import com.example.shop.members.MemberException;
import com.example.shop.members.service.MemberService;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * 老会员系统数据导入工具。
 *
 * 老系统导出的文件是 GBK 编码的文本，每行一个会员，字段之间用竖线分隔：
 * 昵称|手机号|邮箱|性别|注册渠道
 * 第一行是表头，以井号开头的行是备注，两者都要跳过。
 */
public class MemberImporter {

    /** 老系统使用的字符集。 */
    private static final Charset OLD_CHARSET = Charset.forName("GBK");

    /** 每行的字段个数。 */
    private static final int FIELD_COUNT = 5;

    /** 注册渠道的中文名称与代码对照。 */
    private static final Map<String, String> CHANNELS = new HashMap<>();

    static {
        CHANNELS.put("门店", "STORE");
        CHANNELS.put("官网", "WEB");
        CHANNELS.put("小程序", "MINI_APP");
        CHANNELS.put("客服代办", "SERVICE");
    }

    private final MemberService memberService;
    private final List<String> errors = new ArrayList<>();
    private final Map<String, Integer> importedByChannel = new HashMap<>();

    public MemberImporter(MemberService memberService) {
        if (memberService == null) {
            throw new IllegalArgumentException("会员服务不能为空");
        }
        this.memberService = memberService;
    }

    /**
     * 导入一个文件，出错的行会被记录下来，不影响其他行。
     *
     * @param file 数据文件
     * @return 成功导入的会员数
     */
    public int importFile(Path file) throws IOException {
        int imported = 0;
        int lineNo = 0;
        try (BufferedReader reader = Files.newBufferedReader(file, OLD_CHARSET)) {
            String line;
            while ((line = reader.readLine()) != null) {
                lineNo++;
                // 跳过表头、空行和备注
                if (lineNo == 1 || line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                if (importLine(line, lineNo)) {
                    imported++;
                }
            }
        }
        System.out.println("导入完成，成功 " + imported + " 条，失败 " + errors.size() + " 条");
        return imported;
    }

    /** 导入一行数据。 */
    private boolean importLine(String line, int lineNo) {
        String[] fields = line.split("\\|", -1);
        if (fields.length != FIELD_COUNT) {
            errors.add("第 " + lineNo + " 行：字段个数应为 " + FIELD_COUNT + "，实际为 " + fields.length);
            return false;
        }
        // 老系统里“无”和“未填写”都表示没有邮箱
        String email = fields[2].trim();
        if (email.equals("无") || email.equals("未填写")) {
            email = null;
        }
        String channel = CHANNELS.get(fields[4].trim());
        if (channel == null) {
            errors.add("第 " + lineNo + " 行：未知的注册渠道“" + fields[4] + "”");
            return false;
        }
        try {
            String nickname = fields[0].isBlank() ? defaultNickname(fields[3], fields[1]) : fields[0];
            memberService.register(nickname, fields[1], email, initialPassword(fields[1]));
        } catch (MemberException | IllegalArgumentException e) {
            errors.add("第 " + lineNo + " 行：" + e.getMessage());
            return false;
        }
        importedByChannel.merge(channel, 1, Integer::sum);
        return true;
    }

    /** 没有昵称的会员，用称呼加手机尾号代替。 */
    private String defaultNickname(String gender, String mobile) {
        String tail = mobile.length() > 4 ? mobile.substring(mobile.length() - 4) : mobile;
        return switch (gender.trim()) {
            case "男" -> "先生" + tail;
            case "女" -> "女士" + tail;
            default -> "会员" + tail;
        };
    }

    /** 初始密码由手机尾号和固定后缀组成，首次登录必须修改。 */
    private String initialPassword(String mobile) {
        String tail = mobile.length() > 6 ? mobile.substring(mobile.length() - 6) : mobile;
        return "Shop#" + tail;
    }

    /** 返回导入失败的原因，按行号排列。 */
    public List<String> getErrors() {
        return new ArrayList<>(errors);
    }

    /** 返回各渠道导入的会员数。 */
    public Map<String, Integer> getImportedByChannel() {
        return new HashMap<>(importedByChannel);
    }
}
